import { appendFile, writeFile } from "node:fs/promises";
import { PassThrough, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { main } from "../src/main.js";
import { runDockershim, type TerminalEnds } from "./run-dockershim.js";
import { ids, sampleNow, startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
});
afterAll(() => runtime.close());

/** Runs a command against the sample runtime. */
const dockershim = (...args: string[]) => runDockershim(runtime.endpoint, args);

/** The same, with some ends of the terminal in the hands of the test. */
const dockershimWith = (ends: TerminalEnds, ...args: string[]) =>
  runDockershim(runtime.endpoint, args, ends);

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
    [["-l", "app=web,tier=front"], ids.front],
    [["-l", "app!=web"], ids.back],
    [["-l", "app in (db,cache)"], ids.back],
    [["-l", "tier"], ids.front],
    [["-l", "app", "-l", "!tier"], ids.back],
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

  test("--label chooses as kubectl does", async () => {
    const { stdout } = await dockershim("ps", "-aq", "-l", "io.kubernetes.container.name!=web");
    expect(stdout).toBe(`${ids.db}\n`);
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
    expect(stdout).toMatch(/RuntimeReady {3}True\n/);
    expect(stdout).toMatch(/NetworkReady {3}False {2}NoConfig: no network configured\n/);
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

  test("tells of a runtime that does not answer, and fails where it was named", async () => {
    const args = ["version", "-o", "json", "-r", "unix:///nonexistent/x.sock"];
    const { stdout, code } = await dockershim(...args);
    expect(JSON.parse(stdout)).toMatchObject({ runtime: null });
    expect(code).toBe(1);
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
  ])("passes exit code %s on", async (given, code) => {
    expect((await dockershim("exec", "web", "exit", given)).code).toBe(code);
  });

  test.each(["256", "-1"])("passes exit code %s, which none can have, on as 255", async (given) => {
    const args = ["exec", "--command-timeout", "1s", "web", "exit", given];
    expect((await dockershim(...args)).code).toBe(255);
  });

  test("prints as much as the command does, as fast as it is read", async () => {
    const megabytes = 40;
    let [read, ahead, most] = [0, 0, 0];
    const slow = new Writable({
      highWaterMark: 64 * 1024,
      write(chunk: Buffer, _encoding, done) {
        read += chunk.length;
        most = Math.max(most, ahead);
        setImmediate(done);
      },
    });
    const write = slow.write.bind(slow) as (chunk: Buffer) => boolean;
    slow.write = (chunk: Buffer) => {
      ahead = slow.writableLength + chunk.length;
      return write(chunk);
    };
    const env = { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint };
    const terminal = { stdout: slow, stderr: new PassThrough(), env, now: () => sampleNow };
    const code = await main(["exec", "web", "flood", String(megabytes)], terminal);
    slow.end();
    await finished(slow);
    expect({ read, code }).toEqual({ read: megabytes * 1024 * 1024, code: 3 });
    expect(most).toBeLessThan(1024 * 1024);
  });

  test("-i passes input on until its end", async () => {
    const stdin = new PassThrough();
    stdin.write("first ");
    const onOutput = (printed: string) => {
      if (printed === "first ") stdin.end("second");
    };
    expect(await dockershimWith({ stdin, onOutput }, "exec", "-i", "web", "cat")).toEqual({
      stdout: "first second",
      stderr: "",
      code: 0,
    });
  });

  test("-it is refused where input is no terminal", async () => {
    const stdin = new PassThrough();
    stdin.end("hi\n");
    const result = await dockershimWith({ stdin }, "exec", "-it", "web", "cat");
    expect(result).toEqual({
      stdout: "",
      stderr: expect.stringMatching(/^dockershim: exec: -t .* leave out -t, or -i\n$/),
      code: 2,
    });
  });

  test("with a time limit is the runtime's to end: code 124", async () => {
    const limited = ["exec", "--command-timeout", "1500ms", "web"];
    expect(await dockershim(...limited, "sleep")).toEqual({
      stdout: "",
      stderr: "dockershim: ExecSync: command timed out after 2 s\n",
      code: 124,
    });
    expect(await dockershim(...limited, "true")).toMatchObject({ stdout: "ran within 2 s\n" });
  });

  test("that cannot run has code 125", async () => {
    expect(await dockershim("exec", "db", "true")).toMatchObject({
      stderr: "dockershim: Exec: container is not running\n",
      code: 125,
    });
    expect(await dockershim("exec", "none", "true")).toMatchObject({
      stderr: 'dockershim: no container has the id or name "none"; see dockershim ps -a\n',
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

  test("-f goes on while the container runs, and ends with it", async () => {
    await writeFile(runtime.logPath, log);
    const onOutput = async (printed: string) => {
      if (printed === "one\nthree\n") {
        await appendFile(runtime.logPath, "2026-11-23T10:00:03Z stdout F four\n");
      } else if (printed.endsWith("four\n")) {
        runtime.web.running = false;
      }
    };
    const { stdout, code } = await dockershimWith({ onOutput }, "logs", "-f", "web");
    expect(stdout).toBe("one\nthree\nfour\n");
    expect(code).toBe(0);
  });

  test("of a container without a log file are an error", async () => {
    expect(await dockershim("logs", "db")).toMatchObject({
      stderr: `dockershim: container ${ids.db} has no log file\n`,
      code: 1,
    });
  });
});

describe("config validate", () => {
  const file = (text: string) => writeFile(`${runtime.dir}/config.yaml`, text);
  const validate = (...flags: string[]) =>
    dockershim("config", "validate", "--config", `${runtime.dir}/config.yaml`, ...flags);

  test("says that a file is valid: code 0", async () => {
    await file("logLevel: debug\nruntimeRequestTimeout: 1m30s\n");
    expect(await validate()).toEqual({
      stdout: `${runtime.dir}/config.yaml is valid\n`,
      stderr: "",
      code: 0,
    });
  });

  test("has a line for each problem: code 2", async () => {
    await file("logLevl: debug\nruntimeRequestTimeout: 120000\n");
    const { stdout, stderr, code } = await validate("--root-dir", "x");
    expect(stderr).toMatch(
      /^dockershim: .*logLevl.*\ndockershim: .*runtimeRequestTimeout.*\ndockershim: --root-dir .*\n$/,
    );
    expect({ stdout, code }).toEqual({ stdout: "", code: 2 });
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
    [["ps", "-o", "xml"], "Allowed choices are table, wide, json, yaml, name"],
    [["ps", "--last", "0"], "It must be a number above 0"],
    [["ps", "-t", "soon"], '--timeout: "soon" is no duration'],
    [["logs"], "missing required argument 'container'"],
    [["logs", "--tail", "x", "web"], "It must be a number of lines"],
    [["ps", "-t", "5"], '--timeout: "5" has no unit: write 30s'],
    [["pods", "-l", "a in b"], '--label: cannot read "a in b": "b" is out of place'],
    [["serve", "--log-level", "loud"], '--log-level (logLevel in a file): "loud" is none of'],
    [["serve", "--pod-cidr", "10.0.0"], '--pod-cidr (podCidr in a file): "10.0.0" is no range'],
    [["serve", "--config", "/nonexistent"], "cannot read /nonexistent: there is no such file"],
    [["config", "validate", "--config", "/none"], "cannot read /none: there is no such file"],
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
