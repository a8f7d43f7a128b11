import { expect, test } from "@jest/globals";
import { allParts, type CgroupReading, kubeletParts, type StatsPart } from "../src/index.js";
import { readerOf, recordedHybrid } from "./recorded.js";

const reader = readerOf(recordedHybrid);

function readAll(): CgroupReading<StatsPart> {
  const path = reader.forPid(recordedHybrid.pid);
  if (path === undefined) throw new Error("the recorded process has no cgroup");
  const stats = reader.read(path, allParts);
  if (stats === undefined) throw new Error("the recorded cgroup is gone");
  return stats;
}

test("the machine is told to be hybrid", () => {
  expect(reader.mode).toBe("hybrid");
});

test("processor use and its detail are in nanoseconds", () => {
  const { cpu, cpuDetail } = readAll();
  expect(cpu).toEqual({
    timestampNs: 1_700_000_000_000_000_000n,
    monotonicNs: 5_000n,
    usageNs: 1_643_644_266n,
  });
  expect(cpuDetail).toEqual({
    userNs: 1_530_000_000n,
    systemNs: 100_000_000n,
    periods: 37n,
    throttledPeriods: 26n,
    throttledNs: 1_103_038_140n,
    quotaUs: 50_000n,
    periodUs: 100_000n,
    shares: 512n,
    weight: undefined,
  });
  expect(readAll().cpuset).toEqual({ cpus: 2 });
});

test("the working set is usage less inactive page cache, and available is what the limit leaves", () => {
  expect(readAll().memory).toEqual({
    usageBytes: 9_359_360n,
    workingSetBytes: 9_359_360n - 8_388_608n,
    availableBytes: 67_108_864n - (9_359_360n - 8_388_608n),
    limitBytes: 67_108_864n,
    rssBytes: 167_936n,
    cacheBytes: 8_388_608n,
    mappedFileBytes: 0n,
    inactiveFileBytes: 8_388_608n,
    pageFaults: 18_335n,
    majorPageFaults: 2n,
    ownPageFaults: 18_335n,
    ownMajorPageFaults: 2n,
  });
});

test("memory detail has the peak, the failures, the kill and the limits", () => {
  expect(readAll().memoryDetail).toEqual({
    maxUsageBytes: 67_108_864n,
    failCount: 125n,
    highCount: undefined,
    kernelBytes: 417_792n,
    oomKills: 1n,
    reservationBytes: 33_554_432n,
    memoryAndSwapLimitBytes: 134_217_728n,
  });
});

test("the swap limit is the joint limit less that of memory", () => {
  expect(readAll().swap).toEqual({
    usageBytes: 0n,
    limitBytes: 67_108_864n,
    availableBytes: 67_108_864n,
  });
});

test("tasks and their limit come from the pids controller", () => {
  expect(readAll().pids).toEqual({ current: 3n });
  expect(readAll().pidsDetail).toEqual({ limit: 50n });
});

test("block I/O is by device, without the kernel's own sums", () => {
  expect(readAll().io).toEqual({
    devices: [
      {
        major: 254,
        minor: 0,
        readBytes: 16_793_600n,
        writeBytes: 28_672n,
        discardBytes: 0n,
        reads: 24n,
        writes: 8n,
        discards: 0n,
      },
    ],
  });
});

test("pressure is read from the v2 hierarchy beside the v1 controllers", () => {
  expect(readAll().pressure).toEqual({
    cpu: {
      some: { avg10: 4.94, avg60: 1.37, avg300: 0.3, totalNs: 960_094_000n },
      full: { avg10: 4.94, avg60: 1.37, avg300: 0.3, totalNs: 951_077_000n },
    },
    io: {
      some: { avg10: 0, avg60: 0, avg300: 0, totalNs: 9_889_000n },
      full: { avg10: 0, avg60: 0, avg300: 0, totalNs: 9_889_000n },
    },
    memory: {
      some: { avg10: 0, avg60: 0, avg300: 0, totalNs: 1_575_000n },
      full: { avg10: 0, avg60: 0, avg300: 0, totalNs: 1_575_000n },
    },
  });
});

test("a controller that no hierarchy gave the container is undefined", () => {
  expect(readAll().hugetlb).toBeUndefined();
  expect(readAll().hugetlbDetail).toBeUndefined();
});

test("only the parts that were asked for are in a reading", () => {
  const path = reader.forLocation({
    driver: "cgroupfs",
    containerId: recordedHybrid.containerId,
  });
  expect(Object.keys(reader.read(path, ["pids"]) ?? {})).toEqual(["timestampNs", "pids"]);
  expect(Object.keys(reader.read(path, kubeletParts) ?? {})).toEqual([
    "timestampNs",
    ...kubeletParts,
  ]);
});

test("processes and threads are counted from any hierarchy", () => {
  const path = reader.forPid(recordedHybrid.pid);
  expect(path && reader.countProcesses(path)).toEqual({
    processes: 3,
    threads: 3,
    fileDescriptors: undefined,
    sockets: undefined,
    truncated: false,
  });
});
