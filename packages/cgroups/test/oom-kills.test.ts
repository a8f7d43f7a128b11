import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type CgroupPath, readOomKills, watchOomKills } from "../src/index.js";

let unified: string;
let path: CgroupPath;
let told: bigint[];
const tell = (total: bigint): void => void told.push(total);

/** The kernel's file, as it is once so many events have come. */
function events(high: number, oomKill: number): void {
  const text = `low 0\nhigh ${high}\nmax 3\noom 1\noom_kill ${oomKill}\noom_group_kill 0\n`;
  writeFileSync(join(unified, "memory.events"), text);
}

beforeEach(() => {
  unified = mkdtempSync(join(tmpdir(), "cgroup-"));
  path = { mode: "v2", v1: new Map(), unified };
  told = [];
  events(0, 0);
});
afterEach(() => rmSync(unified, { recursive: true, force: true }));

test("each kill is told once, and other events not at all", async () => {
  const end = watchOomKills(path, tell);
  events(5, 0);
  events(5, 1);
  await until(() => told.length > 0);
  events(6, 1);
  events(6, 3);
  await until(() => told.at(-1) === 3n);
  end?.();
  expect(told).toEqual([1n, 3n]);
  expect(readOomKills(path)).toBe(3n);
});

test("a kill from before the watch is told at once", () => {
  events(0, 1);
  const end = watchOomKills(path, tell);
  end?.();
  expect(told).toEqual([1n]);
});

test("a cgroup that goes without a kill tells of none", async () => {
  const end = watchOomKills(path, tell);
  rmSync(unified, { recursive: true });
  // Whatever the removal sets off has come by the time that a later watch was told.
  const other = mkdtempSync(join(tmpdir(), "cgroup-"));
  let later = false;
  writeFileSync(join(other, "memory.events"), "oom_kill 0\n");
  const endOther = watchOomKills({ ...path, unified: other }, () => {
    later = true;
  });
  writeFileSync(join(other, "memory.events"), "oom_kill 1\n");
  await until(() => later);
  end?.();
  endOther?.();
  rmSync(other, { recursive: true });
  expect(told).toEqual([]);
  expect(readOomKills(path)).toBeUndefined();
});

test("where the kernel does not tell, nothing is watched", () => {
  const v1 = new Map([["memory", unified]]);
  expect(watchOomKills({ mode: "hybrid", v1, unified }, tell)).toBeUndefined();
  expect(readOomKills({ mode: "hybrid", v1, unified })).toBeUndefined();
  expect(watchOomKills({ ...path, unified: `${unified}/gone` }, tell)).toBeUndefined();
});
