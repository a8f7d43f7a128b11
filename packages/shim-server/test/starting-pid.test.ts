import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createStartingPids, type StartingPids } from "../src/engine-work/starting-pid.js";

let root: string;
let bundles: string;
let pids: StartingPids;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "starting-pid-"));
  bundles = join(root, "bundles");
  mkdirSync(bundles);
  pids = createStartingPids(join(root, "proc"));
});
afterEach(() => rmSync(root, { recursive: true }));

const never = () => new Promise<never>(() => {});

/** A process with a shim that works in a folder. */
function addProcess(pid: number, cwd: string): void {
  const process = join(root, "proc", String(pid));
  const shim = join(root, "proc", String(pid + 1));
  mkdirSync(process, { recursive: true });
  mkdirSync(shim);
  writeFileSync(join(process, "status"), `Name:\tpause\nPPid:\t${pid + 1}\n`);
  symlinkSync(cwd, join(shim, "cwd"));
}

/** As the runtime writes it: all at once, under another name first. */
function writePid(id: string, pid: number): void {
  writeFileSync(join(bundles, id, ".init.pid"), String(pid));
  renameSync(join(bundles, id, ".init.pid"), join(bundles, id, "init.pid"));
}

async function learnFolder(): Promise<void> {
  addProcess(100, join(bundles, "first"));
  expect(await pids.of("first", Promise.resolve(100))).toBe(100);
}

test("the first start is waited for; the next pid is known as soon as it is written", async () => {
  await learnFolder();
  const pid = pids.of("second", never());
  mkdirSync(join(bundles, "second"));
  writeFileSync(join(bundles, "second", "config.json"), "{}");
  writePid("second", 200);
  expect(await pid).toBe(200);
});

test("a pid that was written before anybody looked is found", async () => {
  await learnFolder();
  mkdirSync(join(bundles, "second"));
  writePid("second", 200);
  expect(await pids.of("second", never())).toBe(200);
});

test("the start's end tells where nothing is written", async () => {
  await learnFolder();
  mkdirSync(join(bundles, "second"));
  expect(await pids.of("second", Promise.resolve(200))).toBe(200);
});

test("a start that fails before a pid is written breaks the promise", async () => {
  await learnFolder();
  await expect(pids.of("second", Promise.reject(new Error("no")))).rejects.toThrow("no");
});

test("pids of several starts at once are not mixed up", async () => {
  await learnFolder();
  const ids = ["a", "b", "c"];
  const found = ids.map((id) => pids.of(id, never()));
  ids.forEach((id, index) => {
    mkdirSync(join(bundles, id));
    writePid(id, 300 + index);
  });
  expect(await Promise.all(found)).toEqual([300, 301, 302]);
});

test("nothing is learnt from a shim that works for another container, and none from a process that is gone", async () => {
  addProcess(100, join(bundles, "other"));
  expect(await pids.of("first", Promise.resolve(100))).toBe(100);
  expect(await pids.of("second", Promise.resolve(999))).toBe(999);
  mkdirSync(join(bundles, "third"));
  writePid("third", 1);
  expect(await pids.of("third", Promise.resolve(300))).toBe(300);
});

test("a folder that went with its engine is learnt anew", async () => {
  await learnFolder();
  rmSync(bundles, { recursive: true });
  expect(await pids.of("second", Promise.resolve(200))).toBe(200);
  bundles = join(root, "elsewhere");
  mkdirSync(bundles);
  addProcess(300, join(bundles, "third"));
  expect(await pids.of("third", Promise.resolve(300))).toBe(300);
  const pid = pids.of("fourth", never());
  mkdirSync(join(bundles, "fourth"));
  writePid("fourth", 400);
  expect(await pid).toBe(400);
});
