import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type CgroupPath, watchOomKills } from "../src/index.js";

let unified: string;
let path: CgroupPath;
let kills: number;
const count = (): void => {
  kills++;
};

/** The kernel's file, as it is once so many events have come. */
function events(high: number, oomKill: number): void {
  const text = `low 0\nhigh ${high}\nmax 3\noom 1\noom_kill ${oomKill}\noom_group_kill 0\n`;
  writeFileSync(join(unified, "memory.events"), text);
}

beforeEach(() => {
  unified = mkdtempSync(join(tmpdir(), "cgroup-"));
  path = { mode: "v2", v1: new Map(), unified };
  kills = 0;
  events(0, 0);
});
afterEach(() => rmSync(unified, { recursive: true, force: true }));

test("a kill is told once, and other events not at all", async () => {
  const end = watchOomKills(path, count);
  events(5, 0);
  events(5, 1);
  await until(() => kills > 0);
  events(6, 2);
  end?.();
  expect(kills).toBe(1);
});

test("a kill from before the watch is told at once", () => {
  events(0, 1);
  watchOomKills(path, count);
  expect(kills).toBe(1);
});

test("a cgroup that goes without a kill tells of none", async () => {
  const end = watchOomKills(path, count);
  rmSync(unified, { recursive: true });
  // Whatever the removal sets off has come by the time that a later watch was told.
  const other = mkdtempSync(join(tmpdir(), "cgroup-"));
  let told = false;
  writeFileSync(join(other, "memory.events"), "oom_kill 0\n");
  watchOomKills({ ...path, unified: other }, () => {
    told = true;
  });
  writeFileSync(join(other, "memory.events"), "oom_kill 1\n");
  await until(() => told);
  end?.();
  rmSync(other, { recursive: true });
  expect(kills).toBe(0);
});

test("where the kernel does not tell, nothing is watched", () => {
  const v1 = new Map([["memory", unified]]);
  expect(watchOomKills({ mode: "hybrid", v1, unified }, count)).toBeUndefined();
  expect(watchOomKills({ ...path, unified: `${unified}/gone` }, count)).toBeUndefined();
});
