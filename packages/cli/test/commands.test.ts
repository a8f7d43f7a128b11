import { writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { main } from "../src/main.js";
import { ids, sampleNow, startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

/** Runs a command against the sample runtime. */
async function dockershim(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const printed = Promise.all([text(stdout), text(stderr)]);
  const env = { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint };
  const code = await main(args, { stdout, stderr, env, now: () => sampleNow });
  stdout.end();
  stderr.end();
  const [out, err] = await printed;
  return { stdout: out, stderr: err, code };
}

/** Columns of a table's rows. */
const cells = (table: string) =>
  table
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {3,}/));

describe("pods", () => {
  test("are listed newest first", async () => {
    const { stdout, code } = await dockershim("pods");
    expect(cells(stdout)).toEqual([
      ["POD ID", "NAMESPACE", "NAME", "STATE", "AGE", "ATTEMPT", "RUNTIME"],
      ["aaaaaaaaaaaaa", "default", "front", "Ready", "2d2h", "0", "(default)"],
      ["bbbbbbbbbbbbb", "shop", "back", "NotReady", "4d4h", "0", "(default)"],
    ]);
    expect(code).toBe(0);
  });

  test.each([
    [["--namespace", "shop"], ids.back],
    [["--name", "front"], ids.front],
    [["--state", "notready"], ids.back],
  ])("%j chooses among them", async (args, expected) => {
    const { stdout } = await dockershim("pods", "-q", ...args);
    expect(stdout).toBe(`${expected}\n`);
  });

  test("none found is no failure", async () => {
    expect(await dockershim("pods", "--name", "none")).toEqual({
      stdout: "",
      stderr: "No pods found.\n",
      code: 0,
    });
  });
});

describe("ps", () => {
  test("lists running containers with their pods", async () => {
    const { stdout } = await dockershim("ps");
    expect(cells(stdout)).toEqual([
      ["CONTAINER", "IMAGE", "AGE", "STATE", "NAME", "ATTEMPT", "POD ID", "POD"],
      [
        "1cccccccccccc",
        "web:latest",
        "2d1h",
        "Running",
        "web",
        "1",
        "aaaaaaaaaaaaa",
        "default/front",
      ],
    ]);
  });

  test("-a lists the others too, newest first", async () => {
    const { stdout } = await dockershim("ps", "-aq");
    expect(stdout).toBe(`${ids.web}\n${ids.ended}\n${ids.db}\n`);
  });

  test("--pod takes a pod's name", async () => {
    const { stdout } = await dockershim("ps", "-aq", "--pod", "shop/back");
    expect(stdout).toBe(`${ids.db}\n`);
  });

  test.each([
    ["json", (output: string): unknown => JSON.parse(output)],
    ["yaml", (output: string): unknown => parse(output)],
  ])("-o %s prints CRI's own message", async (format, read) => {
    const { stdout } = await dockershim("ps", "-o", format);
    expect(read(stdout)).toMatchObject({
      containers: [
        { id: ids.web, state: "CONTAINER_RUNNING", metadata: { name: "web", attempt: 1 } },
      ],
    });
  });
});

describe("images", () => {
  test("have a row for each name", async () => {
    const { stdout } = await dockershim("images", "--digests");
    expect(cells(stdout)).toEqual([
      ["IMAGE", "TAG", "DIGEST", "IMAGE ID", "SIZE"],
      ["gone", "<none>", "fffffffffffff", "fffffffffffff", "700B"],
      ["localhost:5000/web", "1", "<none>", "eeeeeeeeeeeee", "4.27MB"],
      ["web", "latest", "fffffffffffff", "eeeeeeeeeeeee", "4.27MB"],
    ]);
  });
});

describe("info", () => {
  test("shows conditions, handlers and details", async () => {
    const { stdout, code } = await dockershim("info");
    expect(stdout).toContain("Runtime:    fake 1.2.3, CRI v1\n");
    expect(stdout).toMatch(/NetworkReady {3}False {4}NoConfig {3}no network configured\n/);
    expect(stdout).toMatch(/\(default\) {3}yes {19}no\n/);
    expect(stdout).toContain("root: /var/lib/fake");
    expect(code).toBe(0);
  });

  test("-o json has the details as values, not as text", async () => {
    const { stdout } = await dockershim("info", "-o", "json");
    expect(JSON.parse(stdout)).toMatchObject({
      status: { conditions: [{ type: "RuntimeReady", status: true }, {}] },
      info: { config: { root: "/var/lib/fake" }, odd: "not JSON" },
    });
  });
});

describe("version", () => {
  test("tells the runtime's", async () => {
    const { stdout } = await dockershim("version");
    expect(stdout).toMatch(/^Client: {4}dockershim \d+\.\d+\.\d+\S*, Node \d+/);
    expect(stdout).toContain(`Runtime:   fake 1.2.3, CRI v1, at ${runtime.endpoint}\n`);
  });

  test("succeeds without a runtime", async () => {
    const args = ["version", "-o", "json", "-r", "unix:///nonexistent/x.sock"];
    const { stdout, code } = await dockershim(...args);
    expect(JSON.parse(stdout)).toMatchObject({ runtime: null });
    expect(code).toBe(0);
  });
});

describe("exec", () => {
  test("prints both outputs, and leaves the command its own options", async () => {
    expect(await dockershim("exec", "front/web", "ls", "-l", "--help")).toEqual({
      stdout: 'ran ["ls","-l","--help"]\n',
      stderr: "careful\n",
      code: 0,
    });
  });

  test("takes the command after -- as well", async () => {
    const { stdout } = await dockershim("exec", ids.web.slice(0, 4), "--", "-x", "--", "y");
    expect(stdout).toBe('ran ["-x","--","y"]\n');
  });

  test.each([
    ["0", 0],
    ["7", 7],
    ["255", 255],
    ["256", 255],
    ["-1", 255],
  ])("passes exit code %s on as %d", async (given, code) => {
    expect((await dockershim("exec", "web", "exit", given)).code).toBe(code);
  });

  test("that times out has code 124", async () => {
    const result = await dockershim("exec", "--command-timeout", "1500ms", "web", "sleep");
    expect(result).toEqual({
      stdout: "",
      stderr: "dockershim: ExecSync: command timed out after 2 s\n",
      code: 124,
    });
  });

  test("that cannot run has code 125", async () => {
    expect(await dockershim("exec", "db", "true")).toMatchObject({
      stderr: "dockershim: ExecSync: container is not running\n",
      code: 125,
    });
    expect(await dockershim("exec", "none", "true")).toMatchObject({
      stderr: 'dockershim: no container has the id or name "none"\n',
      code: 125,
    });
  });
});

describe("logs", () => {
  const log = [
    "2026-11-23T10:00:00.000000001Z stdout F one",
    "2026-11-23T10:00:01Z stderr F two",
    "garbage",
    "2026-11-23T10:00:02Z stdout F three",
    "",
  ].join("\n");

  test("go to the streams they were written to", async () => {
    await writeFile(runtime.logPath, log);
    expect(await dockershim("logs", "web")).toEqual({
      stdout: "one\nthree\n",
      stderr: `two\ndockershim: left out 1 line of ${runtime.logPath} in neither CRI's nor Docker's log format\n`,
      code: 0,
    });
  });

  test("--tail, --timestamps and --since choose and adorn", async () => {
    await writeFile(runtime.logPath, log);
    const tail = await dockershim("logs", "--tail", "1", "--timestamps", "web");
    expect(tail.stdout).toBe("2026-11-23T10:00:02Z three\n");
    const since = await dockershim("logs", "--since", "2026-11-23T10:00:02Z", "web");
    expect(since.stdout).toBe("three\n");
    const ago = await dockershim("logs", "--since", "1500ms", "--tail=-1", "web");
    expect(ago.stdout).toBe("three\n");
  });

  test("--previous is the container that this one has replaced", async () => {
    await writeFile(`${runtime.logPath}.previous`, "2026-11-23T09:00:00Z stdout F before\n");
    expect(await dockershim("logs", "-p", "web")).toMatchObject({ stdout: "before\n", code: 0 });
    expect(await dockershim("logs", "--previous", "db")).toMatchObject({
      stderr: "dockershim: container shop/back/db has no previous one on this node\n",
      code: 1,
    });
  });

  test("-f ends when the container has ended", async () => {
    await writeFile(runtime.logPath, log);
    const { stdout, code } = await dockershim("logs", "-f", "web");
    expect(stdout).toBe("one\nthree\n");
    expect(code).toBe(0);
  });

  test("of a container without a log file are an error", async () => {
    expect(await dockershim("logs", "db")).toMatchObject({
      stderr: `dockershim: container ${ids.db} has no log file\n`,
      code: 1,
    });
  });
});

describe("errors", () => {
  test("are one line", async () => {
    const { stderr, code } = await dockershim("ps", "-r", "unix:///nonexistent/x.sock");
    expect(stderr).toBe(
      "dockershim: cannot reach the container runtime at unix:///nonexistent/x.sock: " +
        "there is no such socket (is the runtime running?); --runtime-endpoint names another socket\n",
    );
    expect(code).toBe(1);
  });

  test.each([[["--debug", "ps"]], [["ps", "--debug"]]])(
    "have a stack trace after %j",
    async (args) => {
      const { stderr } = await dockershim(...args, "-r", "unix:///nonexistent/x.sock");
      expect(stderr).toMatch(/^ {4}at .*\n/m);
      expect(stderr).toContain("Caused by: ConnectError");
    },
  );

  test("the runtime may be named before the command", async () => {
    const { code } = await dockershim("-r", "unix:///nonexistent/x.sock", "pods");
    expect(code).toBe(1);
  });

  test.each([
    [["bogus"], "unknown command 'bogus'"],
    [["ps", "--bogus"], "unknown option '--bogus'"],
    [["ps", "-o", "xml"], "Allowed choices are table, json, yaml"],
    [["ps", "-t", "soon"], '--timeout: "soon" is no duration'],
    [["logs"], "missing required argument 'container'"],
    [["logs", "--tail", "x", "web"], "It must be a number of lines"],
    [["pods", "-l", "nonsense"], '--label: "nonsense" is not of the form key=value'],
    [["serve", "--log-level", "loud"], "Allowed choices are trace, debug"],
    [["serve", "--config", "/nonexistent"], "cannot read /nonexistent: ENOENT"],
    [["exec", "web"], "missing required argument 'command'"],
  ])("%j is wrong usage: code 2", async (args, message) => {
    const { stdout, stderr, code } = await dockershim(...args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
  });

  test.each([["--help"], ["serve", "--help"], ["help", "logs"]])(
    "help is none",
    async (...args) => {
      const { stdout, code } = await dockershim(...args);
      expect(stdout).toMatch(/^Usage: dockershim/);
      expect(code).toBe(0);
    },
  );
});
