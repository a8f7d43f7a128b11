import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CgroupPath } from "@dockershim/cgroups";
import type { CgroupWrite } from "@dockershim/pod-sandbox";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import {
  type CgroupLimits,
  type CgroupLimitsOptions,
  createCgroupLimits,
  type LimitedContainer,
} from "../src/engine-work/cgroup-limits.js";

let cgroup: string;
let limits: CgroupLimits;
beforeEach(() => {
  cgroup = mkdtempSync(join(tmpdir(), "cgroup-"));
});
afterEach(() => {
  limits.close();
  rmSync(cgroup, { recursive: true, force: true });
});

const cgroupfs = { cgroupDriver: "cgroupfs", cgroupVersion: 2 } as const;
const systemd = { cgroupDriver: "systemd", cgroupVersion: 2 } as const;

function open(options: Partial<CgroupLimitsOptions> = {}, paths?: (CgroupPath | undefined)[]) {
  const path: CgroupPath = { mode: "v2", unified: cgroup, v1: new Map() };
  const forPid = (pid: number) => (pid !== 7 ? undefined : paths ? paths.shift() : path);
  const log = pino({ level: "silent" });
  limits = createCgroupLimits({ log, open: () => ({ forPid }), ...options });
}
const container = (pid: number, HostConfig = {}) =>
  ({ id: "c1", inspect: { State: { Pid: pid }, HostConfig } }) as LimitedContainer;
const write = (file: string, value: string, required = true): CgroupWrite => ({
  controller: file.slice(0, file.indexOf(".")),
  file,
  value,
  required,
});
const read = (file: string) => readFileSync(join(cgroup, file), "utf8");
const make = (file: string, value: string) => writeFileSync(join(cgroup, file), value);

test("writes a cgroup file and a hugepage limit with its reservations", async () => {
  for (const file of ["memory.high", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"]) make(file, "max");
  open();
  const writes = [write("memory.high", "1000"), write("hugetlb.2MB.max", "4194304")];
  await limits.apply(container(7), writes, cgroupfs);
  expect(read("memory.high")).toBe("1000");
  expect(read("hugetlb.2MB.max")).toBe("4194304");
  expect(read("hugetlb.2MB.rsvd.max")).toBe("4194304");
});

test("a limit that the kernel does not have fails only where it is required", async () => {
  open();
  const setting = (required: boolean) =>
    limits.apply(container(7), [write("hugetlb.1GB.max", "0", required)], cgroupfs);
  await expect(setting(false)).resolves.toBeUndefined();
  await expect(setting(true)).rejects.toMatchObject({
    code: "failed_precondition",
    message: expect.stringContaining("hugetlb.1GB.max"),
  });
});

test("a process that has ended needs no limits", async () => {
  open();
  const required = [write("memory.high", "1")];
  await expect(limits.apply(container(8), required, cgroupfs)).resolves.toBeUndefined();
  await expect(limits.apply(container(0), required, cgroupfs)).resolves.toBeUndefined();
});

test("a process that ends between the look-up and the write needs no limits", async () => {
  const paths: (CgroupPath | undefined)[] = [{ mode: "v2", unified: cgroup, v1: new Map() }];
  open({}, paths);
  const writes = [write("memory.high", "1")];
  await expect(limits.apply(container(7), writes, cgroupfs)).resolves.toBeUndefined();
  expect(paths).toEqual([]);
});

test("a node without cgroups matters only when there is something to write", async () => {
  open({
    open: () => {
      throw new Error("no cgroups");
    },
  });
  await expect(limits.apply(container(7), [], cgroupfs)).resolves.toBeUndefined();
});

describe("with systemd", () => {
  let told: [string, readonly string[]][];
  beforeEach(() => {
    told = [];
    for (const file of ["memory.high", "memory.oom.group"]) make(file, "0");
  });
  const setProperties: CgroupLimitsOptions["setProperties"] = async (id, properties) => {
    told.push([id, properties]);
  };

  test("systemd is told what it has a property for, before the files are written", async () => {
    open({
      async setProperties(...call) {
        expect(read("memory.high")).toBe("0");
        await setProperties(...call);
      },
    });
    const writes = [write("memory.high", "4096"), write("memory.oom.group", "1")];
    await limits.apply(container(7), writes, systemd);
    expect(told).toEqual([["c1", ["MemoryHigh=4096"]]]);
    expect([read("memory.high"), read("memory.oom.group")]).toEqual(["4096", "1"]);
  });

  test("a container that may not swap has systemd told so, though nothing is written", async () => {
    open({ setProperties });
    await limits.apply(container(7, { Memory: 8192, MemorySwap: 8192 }), [], systemd);
    expect(told).toEqual([["c1", ["MemorySwapMax=0"]]]);
  });

  test("cgroups that the engine made itself are not told to systemd, nor those of v1", async () => {
    open({ setProperties });
    const noSwap = container(7, { Memory: 8192, MemorySwap: 8192 });
    await limits.apply(noSwap, [write("memory.high", "4096")], cgroupfs);
    await limits.apply(noSwap, [], { ...systemd, cgroupVersion: 1 });
    expect(told).toEqual([]);
  });

  test("what has no property is written again when systemd has undone it", async () => {
    open({ setProperties });
    await limits.apply(container(7), [write("memory.oom.group", "1")], systemd);
    make("memory.oom.group", "0");
    limits.restore();
    expect(read("memory.oom.group")).toBe("1");
  });

  test("what systemd keeps is left to it, and to who changes it there", async () => {
    open({ setProperties });
    await limits.apply(container(7), [write("memory.high", "4096")], systemd);
    make("memory.high", "8192");
    limits.restore();
    expect(read("memory.high")).toBe("8192");
  });

  test("an ended container's files are written no more", async () => {
    const path: CgroupPath = { mode: "v2", unified: cgroup, v1: new Map() };
    open({ setProperties }, [path, path]);
    await limits.apply(container(7), [write("memory.oom.group", "1")], systemd);
    make("memory.oom.group", "0");
    limits.restore();
    expect(read("memory.oom.group")).toBe("0");
  });

  test("what an earlier daemon wrote is known, and written again as it is now", async () => {
    open({ setProperties });
    make("memory.oom.group", "1\n");
    make("memory.high", "8192\n");
    const created = { "memory.oom.group": "1", "memory.high": "4096", "io.weight": "200" };
    expect(limits.adopt(container(7), created, systemd)).toEqual({
      "memory.oom.group": "1",
      "memory.high": "8192",
    });
    make("memory.oom.group", "0");
    make("memory.high", "4096");
    limits.restore();
    expect([read("memory.oom.group"), read("memory.high")]).toEqual(["1", "4096"]);
  });

  test("a daemon that was away while systemd was reloaded writes memory.oom.group again", () => {
    open();
    const created = { "memory.oom.group": "1" };
    make("memory.oom.group", "0");
    expect(limits.adopt(container(7), created, cgroupfs)).toEqual({ "memory.oom.group": "0" });
    expect(limits.adopt(container(7), created, systemd)).toEqual(created);
    expect(read("memory.oom.group")).toBe("1");
    make("memory.oom.group", "0");
    limits.restore();
    expect(read("memory.oom.group")).toBe("1");
  });

  test("a systemd that does not answer keeps no limit from being written", async () => {
    open({
      setProperties: () => Promise.reject(new Error("Failed to connect to bus")),
    });
    await limits.apply(container(7), [write("memory.high", "4096")], systemd);
    expect(read("memory.high")).toBe("4096");
  });
});
