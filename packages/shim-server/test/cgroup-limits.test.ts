import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CgroupPath } from "@dockershim/cgroups";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createCgroupLimits } from "../src/engine-work/cgroup-limits.js";

let cgroup: string;
beforeEach(() => {
  cgroup = mkdtempSync(join(tmpdir(), "cgroup-"));
});
afterEach(() => rmSync(cgroup, { recursive: true }));

const limitsOf = (pid: number, path: () => CgroupPath | undefined) =>
  createCgroupLimits(() => ({ forPid: (asked) => (asked === pid ? path() : undefined) }));
const onV2 = () => limitsOf(7, () => ({ mode: "v2", unified: cgroup, v1: new Map() }));

test("writes a cgroup file and a hugepage limit with its reservations", () => {
  for (const file of ["memory.high", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"]) {
    writeFileSync(join(cgroup, file), "max");
  }
  onV2().write(7, [
    { controller: "memory", file: "memory.high", value: "1000", required: true },
    { controller: "hugetlb", file: "hugetlb.2MB.max", value: "4194304", required: true },
  ]);
  const read = (file: string) => readFileSync(join(cgroup, file), "utf8");
  expect(read("memory.high")).toBe("1000");
  expect(read("hugetlb.2MB.max")).toBe("4194304");
  expect(read("hugetlb.2MB.rsvd.max")).toBe("4194304");
});

test("a limit that the kernel does not have fails only where it is required", () => {
  const write = { controller: "hugetlb", file: "hugetlb.1GB.max", value: "0" };
  expect(() => onV2().write(7, [{ ...write, required: false }])).not.toThrow();
  expect(() => onV2().write(7, [{ ...write, required: true }])).toThrow(
    expect.objectContaining({
      code: "failed_precondition",
      message: expect.stringContaining("hugetlb.1GB.max"),
    }),
  );
});

test("a process that has ended needs no limits", () => {
  const required = { controller: "memory", file: "memory.high", value: "1", required: true };
  expect(() => onV2().write(8, [required])).not.toThrow();
  expect(() => onV2().write(0, [required])).not.toThrow();
});

test("a process that ends between the look-up and the write needs no limits", () => {
  const paths: (CgroupPath | undefined)[] = [{ mode: "v2", unified: cgroup, v1: new Map() }];
  const limits = limitsOf(7, () => paths.shift());
  expect(() =>
    limits.write(7, [{ controller: "memory", file: "memory.high", value: "1", required: true }]),
  ).not.toThrow();
  expect(paths).toEqual([]);
});

test("a node without cgroups matters only when there is something to write", () => {
  const limits = createCgroupLimits(() => {
    throw new Error("no cgroups");
  });
  expect(() => limits.write(7, [])).not.toThrow();
});
