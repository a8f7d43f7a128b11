import { expect, test } from "@jest/globals";
import { allParts, type CgroupReading, type StatsPart } from "../src/index.js";
import { readerOf, recordedV2 } from "./recorded.js";

const reader = readerOf(recordedV2);

function readAll(): CgroupReading<StatsPart> {
  const path = reader.forLocation({ driver: "cgroupfs", containerId: recordedV2.containerId });
  const stats = reader.read(path, allParts);
  if (stats === undefined) throw new Error("the recorded cgroup is gone");
  return stats;
}

test("the machine is told to be v2", () => {
  expect(reader.mode).toBe("v2");
});

test("the process leads to the same cgroup as the location that the engine was given", () => {
  expect(reader.forPid(recordedV2.pid)).toEqual(
    reader.forLocation({ driver: "cgroupfs", containerId: recordedV2.containerId }),
  );
});

test("microseconds of cpu.stat become nanoseconds", () => {
  const { cpu, cpuDetail } = readAll();
  expect(cpu?.usageNs).toBe(4_578_501_000n);
  expect(cpuDetail).toEqual({
    userNs: 2_291_584_000n,
    systemNs: 2_286_917_000n,
    periods: 91n,
    throttledPeriods: 80n,
    throttledNs: 4_281_175_000n,
    quotaUs: 50_000n,
    periodUs: 100_000n,
    shares: 500n,
    weight: 20n,
  });
  expect(readAll().cpuset).toEqual({ cpus: 2 });
});

test("the working set is usage less inactive page cache, and available is what the limit leaves", () => {
  expect(readAll().memory).toEqual({
    usageBytes: 9_134_080n,
    workingSetBytes: 9_134_080n - 8_388_608n,
    availableBytes: 67_108_864n - (9_134_080n - 8_388_608n),
    limitBytes: 67_108_864n,
    rssBytes: 163_840n,
    cacheBytes: 8_388_608n,
    mappedFileBytes: 0n,
    inactiveFileBytes: 8_388_608n,
    pageFaults: 18_140n,
    majorPageFaults: 1n,
    ownPageFaults: undefined,
    ownMajorPageFaults: undefined,
  });
});

test("memory detail has the peak, the failures, the kill and the limits; unlimited is undefined", () => {
  expect(readAll().memoryDetail).toEqual({
    maxUsageBytes: 67_108_864n,
    failCount: 84n,
    highCount: 0n,
    kernelBytes: 417_792n,
    oomKills: 1n,
    reservationBytes: 33_554_432n,
    memoryAndSwapLimitBytes: undefined,
  });
});

test("unlimited swap has usage and nothing else", () => {
  expect(readAll().swap).toEqual({
    usageBytes: 0n,
    limitBytes: undefined,
    availableBytes: undefined,
  });
});

test("tasks and their limit come from the pids controller", () => {
  expect(readAll().pids).toEqual({ current: 3n });
  expect(readAll().pidsDetail).toEqual({ limit: 50n });
});

test("block I/O comes from io.stat", () => {
  expect(readAll().io?.devices).toEqual([
    {
      major: 254,
      minor: 0,
      readBytes: 16_879_616n,
      writeBytes: 8_388_608n,
      discardBytes: 0n,
      reads: 75n,
      writes: 9n,
      discards: 0n,
    },
  ]);
});

function bySize(all: readonly { readonly pageSize: string }[] | undefined) {
  return Object.fromEntries((all ?? []).map(({ pageSize, ...figures }) => [pageSize, figures]));
}

test("huge pages have every size of the machine, unlimited as undefined", () => {
  const { hugetlb, hugetlbDetail } = readAll();
  const usage = { usageBytes: 0n, maxUsageBytes: undefined };
  const detail = { limitBytes: undefined, failCount: 0n };
  expect(bySize(hugetlb)).toEqual({ "1GB": usage, "2MB": usage });
  expect(bySize(hugetlbDetail)).toEqual({ "1GB": detail, "2MB": detail });
});

test("pressure is in nanoseconds and percent", () => {
  expect(readAll().pressure?.memory).toEqual({
    some: { avg10: 0.06, avg60: 0.12, avg300: 0.03, totalNs: 145_609_000n },
    full: { avg10: 0.06, avg60: 0.12, avg300: 0.03, totalNs: 145_609_000n },
  });
});

test("processes and threads are counted", () => {
  const path = reader.forPid(recordedV2.pid);
  expect(path && reader.countProcesses(path)).toMatchObject({ processes: 3, threads: 3 });
});

test("resource limits are by name, unlimited as undefined", () => {
  const limits = reader.readUlimits(recordedV2.pid) ?? [];
  expect(limits).toHaveLength(16);
  expect(limits.find(({ name }) => name === "max_open_files")).toEqual({
    name: "max_open_files",
    soft: 1024n,
    hard: 4096n,
  });
  expect(limits.find(({ name }) => name === "max_stack_size")).toEqual({
    name: "max_stack_size",
    soft: 8_388_608n,
    hard: undefined,
  });
  expect(limits.find(({ name }) => name === "max_nice_priority")).toMatchObject({ soft: 0n });
});

test("a namespace with loopback alone has no default interface", () => {
  expect(reader.readNetwork(recordedV2.pid)).toEqual({
    timestampNs: 1_700_000_000_000_000_000n,
    defaultInterface: undefined,
    interfaces: [],
  });
});
