import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Command } from "commander";
import { describeProgram } from "../src/program.js";
import { bin } from "./dockershim-bin.js";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runDockershim(runtime.endpoint, args);

/** The same on a terminal of so many columns. */
const onTerminal = (columns: number, args: readonly string[], env = {}) =>
  runDockershim(runtime.endpoint, args, {
    columns,
    env: { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint, ...env },
  });

describe("colour", () => {
  test("is for terminals", async () => {
    expect((await onTerminal(120, ["pods"])).stdout).toContain("\u001b[32mReady\u001b[39m");
    expect((await dockershim("pods")).stdout).not.toContain("\u001b");
  });

  test.each([[{ NO_COLOR: "1" }], [{ TERM: "dumb" }]])("there is none with %j", async (env) => {
    expect((await onTerminal(120, ["pods"], env)).stdout).toBe((await dockershim("pods")).stdout);
  });
});

describe("columns", () => {
  test("are as wide as they come where there is room, or no terminal", async () => {
    const whole = (await dockershim("ps", "-a")).stdout;
    expect((await onTerminal(200, ["ps", "-a"], { NO_COLOR: "1" })).stdout).toBe(whole);
  });

  test("that tell least are left out first, and others cut", async () => {
    const of = async (columns: number) =>
      (await onTerminal(columns, ["ps", "-a"], { NO_COLOR: "1" })).stdout;
    expect(await of(80)).toBe(`\
CONTAINER       IMAGE        AGE    STATE     NAME   ATTEMPT   POD
1cccccccccccc   web:latest   2d1h   Running   web    1         default/front
2cccccccccccc   web:latest   2d2h   Exited    web    0         default/front
ddddddddddddd   web:latest   4d3h   Exited    db     0         shop/back
`);
    expect(await of(60)).toBe(`\
CONTAINER       AGE    STATE     NAME   POD
1cccccccccccc   2d1h   Running   web    default/front
2cccccccccccc   2d2h   Exited    web    default/front
ddddddddddddd   4d3h   Exited    db     shop/back
`);
  });

  test.each([["-o", "wide"], ["--no-trunc"]])("are whole with %s %s", async (...flags) => {
    const args = ["ps", "-a", ...flags];
    const { stdout } = await onTerminal(60, args, { NO_COLOR: "1" });
    expect(stdout).toBe((await dockershim(...args)).stdout);
  });
});

test("help fits 80 columns, of every command", async () => {
  const [stdout, stderr] = [process.stdout, process.stderr];
  const program = await describeProgram({ stdout, stderr, env: {}, now: Date.now });
  const wide = (command: Command): string[] => [
    ...helpOf(command).filter((line) => line.length > 80 && /\S \S/.test(line)),
    ...command.commands.flatMap(wide),
  ];
  expect(wide(program)).toEqual([]);
});

/** With the examples, which are printed behind it. */
function helpOf(command: Command): string[] {
  let printed = "";
  command.configureOutput({
    writeOut: (part) => {
      printed += part;
    },
    getOutHelpWidth: () => 80,
  });
  command.outputHelp();
  return printed.split("\n");
}

describe("what was meant is told", () => {
  test.each([
    [["pod"], "unknown command 'pod' (Did you mean pods?)"],
    [["ps", "--imagee", "x"], "(Did you mean --image?)"],
    [["stopp", "x"], "unknown command 'stopp': crictl's stopp is dockershim stop"],
    [["statsp"], "crictl's statsp is dockershim stats --pods"],
    [["help", "nosuch"], 'help: there is no command "nosuch"; dockershim help has all commands'],
    [["help", "lgs"], 'help: there is no command "lgs"; did you mean logs?'],
    [["help", "config", "defalt"], 'there is no command "defalt"; did you mean default?'],
  ])("%j", async (args, message) => {
    const { stdout, stderr, code } = await dockershim(...args);
    expect(stderr).toContain(message);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });

  test.each([
    [["logs", "frnt/web"], 'no container has the id or name "frnt/web"; did you mean front/web?'],
    [["logs", "none"], 'no container has the id or name "none"; see dockershim ps -a'],
    [["ps", "-p", "frontt"], 'no pod has the id or name "frontt"; did you mean front?'],
    [["inspect", "nothing"], "; see dockershim ps -a, pods or images\n"],
  ])("%j", async (args, message) => {
    const { stderr, code } = await dockershim(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(1);
  });

  test("help of a command below another one is found", async () => {
    expect((await dockershim("help", "config")).stdout).toMatch(/^Usage: dockershim config/);
  });
});

describe("version", () => {
  const nodesFile = join(tmpdir(), `manners-${process.pid}.yaml`);
  beforeAll(() => writeFile(nodesFile, "runtime-endpoint: unix:///nonexistent/x.sock\n"));
  afterAll(() => rm(nodesFile));

  test.each([
    [["-r", "unix:///nonexistent/x.sock"], {}, 1],
    [[], { CONTAINER_RUNTIME_ENDPOINT: "unix:///nonexistent/x.sock" }, 1],
    [[], { CRI_CONFIG_FILE: nodesFile }, 0],
  ])("%j %j without an answer exits with its code", async (flags, env, code) => {
    const told = await runDockershim("", ["version", ...flags], { env });
    expect(told).toMatchObject({ stdout: expect.stringContaining("Runtime:   none ("), code });
  });
});

describe("what to do next is told of a runtime", () => {
  test("that is not there, does not listen, or does not speak CRI", async () => {
    const socket = join(tmpdir(), `manners-${process.pid}.sock`);
    const ask = async () => (await runDockershim(`unix://${socket}`, ["ps"])).stderr;
    expect(await ask()).toMatch(/; --runtime-endpoint names another socket\n$/);
    await writeFile(socket, "");
    expect(await ask()).toMatch(/; start the runtime, as with systemctl start dockershim\n$/);
    await rm(socket);
    const other = createServer((connection) => connection.end("hello\n")).listen(socket);
    await once(other, "listening");
    expect(await ask()).toMatch(/; .*(names another socket|its log tells.*)\n$/);
    other.close();
  });

  test("that takes too long", async () => {
    const release = runtime.holdVersion();
    const { stderr } = await dockershim("info", "-t", "100ms");
    release();
    expect(stderr).toMatch(/no answer from .* within 0.1 s; --timeout waits longer for queries, /);
  });
});

describe("a slow runtime", () => {
  test("is told to be waited for on a terminal, after a second", async () => {
    const waiting = Promise.withResolvers<void>();
    const screen: string[] = [];
    const onScreen = (written: string) => {
      screen.push(written);
      waiting.resolve();
    };
    const releases = runtime.holdVersion();
    const told = runDockershim(runtime.endpoint, ["version", "-t", "1h"], { onScreen });
    await waiting.promise;
    releases();
    expect((await told).stdout).toContain("Runtime:   fake 1.2.3");
    expect(screen[0]).toContain("waiting for the runtime: version, ");
    expect(screen.at(-1)).toBe("\r\u001b[K");
  });
});

describe("output that cannot be written", () => {
  /** Runs the command with its output there. */
  async function printTo(file: string, args: readonly string[]) {
    const fd = openSync(file, "w");
    const child = spawn(process.execPath, [bin, ...args], {
      stdio: ["ignore", fd, "pipe"],
      env: { PATH: process.env.PATH ?? "", CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint },
    });
    closeSync(fd);
    const [stderr, [code]] = await Promise.all([
      text(child.stderr as Readable),
      once(child, "close"),
    ]);
    return { stderr, code };
  }

  test.each([[["ps"]], [["help"]], [["exec", "web", "flood", "1"]], [["images", "-o", "json"]]])(
    "of %j for want of space is told",
    async (args) => {
      expect(await printTo("/dev/full", args)).toEqual({
        stderr: "dockershim: cannot write the output: no space left on device\n",
        code: 1,
      });
    },
  );

  test("for want of a reader is not", async () => {
    const child = spawn(
      "bash",
      [
        "--norc",
        "-c",
        `set -o pipefail; "$0" "$1" exec web flood 8 | head -c 1`,
        process.execPath,
        bin,
      ],
      { env: { PATH: process.env.PATH ?? "", CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint } },
    );
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close"),
    ]);
    expect({ stdout, stderr, code }).toEqual({ stdout: "x", stderr: "", code: 0 });
  });
});

test("a template is filled in with what -o json prints", async () => {
  const template = 'jsonpath={range .items[*]}{.metadata.namespace}/{.metadata.name}{"\\n"}{end}';
  expect((await dockershim("pods", "-o", template)).stdout).toBe("default/front\nshop/back\n");
  expect((await dockershim("inspect", "web", "-o", "jsonpath={.status.state}")).stdout).toBe(
    "CONTAINER_RUNNING",
  );
  expect(await dockershim("pods", "-o", "jsonpath={.items[")).toMatchObject({
    stderr: expect.stringMatching(/^dockershim: jsonpath: cannot read .*\n$/),
    code: 2,
  });
});
