import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { until } from "@dockershim/testing";
import { bindDatagrams, listenForOthers } from "@dockershim/testing/unix-sockets";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  observeForSystemd,
  requirePassedSocket,
  takeServiceVariables,
} from "../src/serve/systemd-service.js";
import { bin, runBin } from "./dockershim-bin.js";

describe("what systemd tells a service", () => {
  test("is read and taken out of the environment", () => {
    const env = {
      ...{ LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b", NOTIFY_SOCKET: "@n" },
      ...{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7", PATH: "/bin" },
    };
    expect(takeServiceVariables(env, 7)).toEqual({
      passedSockets: 2,
      notifySocket: "@n",
      watchdogMs: 30_000,
    });
    expect(env).toEqual({ PATH: "/bin" });
  });

  test("is for one process: what is meant for another one counts for nothing", () => {
    const env = { LISTEN_PID: "8", LISTEN_FDS: "1", WATCHDOG_USEC: "1000", WATCHDOG_PID: "8" };
    expect(takeServiceVariables(env, 7)).toEqual({
      passedSockets: 0,
      notifySocket: undefined,
      watchdogMs: undefined,
    });
  });

  test.each([
    ["fd://", 0, "no socket"],
    ["fd://5", 2, "3 to 4 only"],
  ])("%s with %d sockets is refused", (listen, passedSockets, words) => {
    const variables = { passedSockets, notifySocket: undefined, watchdogMs: undefined };
    expect(() => requirePassedSocket(listen, variables)).toThrow(words);
  });
});

test("the watchdog is told at half its time, and the status when it changes", async () => {
  const sent: Record<string, string | number>[] = [];
  const observer = observeForSystemd({ send: (state) => sent.push(state) }, 20);
  await observer.started({
    endpoint: "unix:///x",
    status: async () => ({ sandboxes: 2, containers: 3, unready: ["no network\nyet"] }),
    reload: async () => ({ applied: [], needRestart: [] }),
    close: async () => undefined,
  });
  expect(sent[0]).toEqual({
    READY: 1,
    STATUS: "Not ready: no network yet; 2 pods, 3 containers",
  });
  await until(() => sent.filter(({ WATCHDOG }) => WATCHDOG === 1).length >= 3);
});

describe("a service", () => {
  let dir: string;
  let manager: ReturnType<typeof bindDatagrams>;
  let messages: string[];
  let passed: number;
  let service: ChildProcess | undefined;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "service-"));
    manager = bindDatagrams(join(dir, "notify"));
    messages = [];
    passed = listenForOthers(join(dir, "cri.sock"));
  });
  afterEach(() => {
    service?.kill("SIGKILL");
    manager.close();
    closeSync(passed);
    rmSync(dir, { recursive: true });
  });

  /** As systemd does: the shell knows the process id that the daemon gets. */
  function start(listen: string): ChildProcess {
    writeFileSync(join(dir, "config.yaml"), "logLevel: info\n");
    const args = [
      ...["serve", "--listen", listen, "--config", join(dir, "config.yaml")],
      ...["--root-dir", join(dir, "root"), "--network-plugin", "none"],
      ...["--docker-endpoint", `unix://${dir}/no-docker.sock`],
    ];
    const script = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"';
    service = spawn("sh", ["-c", script, "sh", process.execPath, bin, ...args], {
      stdio: ["ignore", "ignore", "inherit", passed],
      env: { PATH: process.env.PATH ?? "", NOTIFY_SOCKET: join(dir, "notify") },
    });
    return service;
  }

  /** Waits for a message that comes after those waited for before. */
  async function told(pattern: RegExp): Promise<void> {
    await until(() => {
      messages.push(...manager.received());
      const at = messages.findIndex((text) => pattern.test(text));
      if (at >= 0) messages.splice(0, at + 1);
      return at >= 0;
    });
  }

  test.each([
    ["fd://", () => "fd://"],
    ["the path of that socket", () => `unix://${dir}/cri.sock`],
  ])("told %s it serves on the socket it was given, and leaves it", async (_, listen) => {
    const child = start(listen());
    await told(/^READY=1\nSTATUS=Not ready: Docker Engine is out of reach/);
    const cri = createCriClient({ endpoint: `unix://${dir}/cri.sock` });
    await expect(cri.runtime.version({})).rejects.toMatchObject({ code: "UNAVAILABLE" });
    cri.close();
    child.kill("SIGHUP");
    await told(/^RELOADING=1\nMONOTONIC_USEC=\d+$/);
    await told(/^READY=1$/);
    child.kill("SIGTERM");
    await told(/^STOPPING=1\n/);
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(statSync(join(dir, "cri.sock")).isSocket()).toBe(true);
  });
});

test("--listen fd:// without a socket unit is refused with the reason", async () => {
  const { stderr, code } = await runBin(["serve", "--listen", "fd://"]);
  expect(stderr).toContain("for a service with a systemd socket unit");
  expect(code).toBe(2);
});
