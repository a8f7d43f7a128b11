import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { lockRootDir } from "../src/start/root-lock.js";

let dir: string;
const log = { warn: jest.fn() };
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "root-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

test("a root directory is one daemon's, and the next is told whose", () => {
  const unlock = lockRootDir(dir, "unix:///first.sock", log);
  try {
    expect(() => lockRootDir(dir, "unix:///second.sock", log, 0)).toThrow(
      expect.objectContaining({
        code: "failed_precondition",
        message: `root-dir: another daemon uses ${dir}: process ${process.pid}, which serves on unix:///first.sock`,
      }),
    );
  } finally {
    unlock();
  }
  lockRootDir(dir, "unix:///second.sock", log)();
  expect(log.warn).not.toHaveBeenCalled();
});

test("who ends only now is waited for", async () => {
  const holder = spawn("flock", [join(dir, "lock"), "sh", "-c", "echo held; exec sleep 1"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = once(holder, "exit");
  await once(holder.stdout, "data");
  lockRootDir(dir, "unix:///second.sock", log, 60)();
  await ended;
});

test("a lock goes with its process, killed or not", () => {
  const holder = `
    const { openSync } = require("node:fs");
    const { spawnSync } = require("node:child_process");
    const fd = openSync(process.argv[1], "a+");
    const { status } = spawnSync("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", fd] });
    if (status === 0) process.kill(process.pid, "SIGKILL");
  `;
  const { signal } = spawnSync(process.execPath, ["-e", holder, join(dir, "lock")]);
  expect(signal).toBe("SIGKILL");
  lockRootDir(dir, "unix:///second.sock", log)();
});
