import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDaemonLog } from "../src/serve/daemon-log.js";

let dir: string;
let fd: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "cli-daemon-log-"));
  fd = openSync(join(dir, "log"), "a+");
});
afterEach(() => {
  closeSync(fd);
  rmSync(dir, { recursive: true });
});

const lines = () => readFileSync(join(dir, "log"), "utf8").trimEnd().split("\n");

class TypedError extends Error {
  readonly code = "unavailable";
}

describe("where nobody reads along", () => {
  const piped = async (level: "info" | "debug" = "info", env: Record<string, string> = {}) =>
    await createDaemonLog(level, { fd, isTerminal: false, env });

  test("lines are JSON objects with the time in ISO 8601 and the level's name", async () => {
    const log = await piped();
    log.warn({ endpoint: "unix:///x" }, "careful");
    log.child({ part: "docker" }).debug("too much");
    expect(lines().map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        endpoint: "unix:///x",
        msg: "careful",
      },
    ]);
  });

  test("an error that has a code has no stack, one that nobody foresaw has", async () => {
    const log = await piped();
    log.warn({ err: new TypedError("the engine is away") }, "expected");
    log.warn({ err: new TypeError("x is undefined") }, "unforeseen");
    const [expected, unforeseen] = lines().map((line) => JSON.parse(line));
    expect(expected.err).toEqual({
      type: "Error",
      message: "the engine is away",
      code: "unavailable",
    });
    expect(unforeseen.err.stack).toContain("daemon-log.test");
  });

  test("lines for systemd's journal begin with their priority", async () => {
    const { dev, ino } = fstatSync(fd);
    const log = await piped("debug", { JOURNAL_STREAM: `${dev}:${ino}` });
    for (const level of ["fatal", "error", "warn", "info", "debug"] as const) log[level](level);
    log.child({ part: "x" }).error("of a child");
    const found = lines().map((line) => /^<(\d)>(.*)$/.exec(line) ?? []);
    expect(found.map(([, priority]) => priority)).toEqual(["2", "3", "4", "6", "7", "3"]);
    expect(JSON.parse(found[5]?.[2] ?? "")).toMatchObject({ level: "error", part: "x" });
  });

  test("another stream than the journal's has no priorities, though systemd started us", async () => {
    const log = await piped("info", { JOURNAL_STREAM: "8:1" });
    log.info("plain");
    expect(JSON.parse(lines()[0] ?? "")).toMatchObject({ msg: "plain" });
  });
});

describe("on a terminal", () => {
  const time = String.raw`\[\d\d:\d\d:\d\d\] `;
  const terminal = async (env: Record<string, string> = { NO_COLOR: "1" }) =>
    await createDaemonLog("info", { fd, isTerminal: true, env });

  test("a line says what happened, with what, and what to do", async () => {
    const log = await terminal();
    log.warn({ error: "no socket", hint: "start Docker" }, "Docker is not reachable");
    log.info({ url: "http://127.0.0.1:1", applied: ["a", "b c"] }, "listens");
    expect(lines()).toEqual([
      expect.stringMatching(new RegExp(`^${time}WARN: Docker is not reachable: no socket$`)),
      "    → start Docker",
      expect.stringMatching(
        new RegExp(
          String.raw`^${time}INFO: listens  url=http://127.0.0.1:1  applied=\["a","b c"\]$`,
        ),
      ),
    ]);
  });

  test("an expected error is its message, and one that nobody foresaw has its stack", async () => {
    const log = await terminal();
    log.warn({ err: new TypedError("the engine is away") }, "could not read");
    expect(lines()).toEqual([expect.stringMatching(/WARN: could not read: the engine is away$/)]);
    log.error({ err: new TypeError("x is undefined") }, "failed");
    expect(lines()[1]).toMatch(/ERROR: failed: x is undefined$/);
    expect(lines().slice(2).join("\n")).toMatch(/^TypeError: x is undefined\n {4}at /);
  });

  test("a daemon that serves says where, and how to go on", async () => {
    const log = await terminal();
    log.info({ endpoint: "unix:///x.sock", instance: "default", version: "1.2.3" }, "ready");
    expect(lines()).toEqual([
      expect.stringMatching(/INFO: ready: dockershim 1\.2\.3 serves CRI on unix:\/\/\/x\.sock$/),
      "    → start the kubelet with --container-runtime-endpoint=unix:///x.sock",
    ]);
  });

  test("a daemon that waits does not call itself ready", async () => {
    const log = await terminal();
    const waitingFor = ["Docker is away", "no network configuration in /x"];
    log.warn({ endpoint: "unix:///x.sock", version: "1.2.3", waitingFor }, "ready");
    expect(lines().join("\n")).not.toContain("ready");
    expect(lines()).toEqual([
      expect.stringMatching(/WARN: dockershim 1\.2\.3 serves CRI on .*, but pods have to wait:$/),
      "    - Docker is away",
      "    - no network configuration in /x",
      "    → see how it is with: dockershim -r unix:///x.sock info",
    ]);
  });

  test("there is colour unless NO_COLOR says no", async () => {
    (await terminal({})).warn("coloured");
    (await terminal({ NO_COLOR: "1" })).warn("plain");
    expect(lines()[0]).toContain("\u001b[");
    expect(lines()[1]).not.toContain("\u001b[");
  });
});
