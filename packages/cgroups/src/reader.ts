import fs from "node:fs";
import { createBlockDeviceNames } from "./block-device.js";
import {
  type CgroupLocation,
  type CgroupPath,
  cgroupAtLocation,
  cgroupOfProcess,
  directoriesOf,
} from "./cgroup-path.js";
import { type Clock, systemClock } from "./clock.js";
import { createSources } from "./controller-source.js";
import {
  type CpuDetail,
  type Cpuset,
  type CpuUsage,
  readCpuDetail,
  readCpuset,
  readCpuUsage,
} from "./cpu.js";
import { createHugetlbReader, type HugetlbDetail, type HugetlbUsage } from "./hugetlb.js";
import { type IoUsage, readIo } from "./io.js";
import {
  type MemoryDetail,
  type MemoryUsage,
  readMemory,
  readMemoryDetail,
  readSwap,
  type SwapUsage,
} from "./memory.js";
import { type CgroupMode, detectHierarchies } from "./mode.js";
import { type NetworkOptions, type NetworkUsage, readNetwork } from "./network.js";
import { type PidsDetail, type PidsUsage, readPids, readPidsDetail } from "./pids.js";
import { type PressureStats, readPressure } from "./pressure.js";
import { countProcesses, type ProcessCountOptions, type ProcessCounts } from "./process-counts.js";
import { createRecordFiles, type RecordFiles } from "./record-files.js";
import { readUlimits, type Ulimit } from "./ulimits.js";

/** Where to read; other roots are for recorded trees and for a host mounted elsewhere. */
export interface CgroupReaderOptions {
  /** @defaultValue `/sys/fs/cgroup` */
  readonly root?: string;
  /** @defaultValue `/proc` */
  readonly procRoot?: string;
  /** @defaultValue `/sys` */
  readonly sysRoot?: string;
  /**
   * Keep up to so many files of cgroups open between readings. `kubeletParts` are seven to nine
   * files of a container, and kept open they are read in a third to half of the time.
   *
   * @defaultValue 0
   */
  readonly maxOpenFiles?: number;
  /** @defaultValue the machine's clocks */
  readonly clock?: Clock;
}

/**
 * The figures of one cgroup, all of one moment. A part is undefined when the machine does not
 * have it: no controller, no PSI, no swap accounting.
 */
export interface CgroupStats {
  readonly cpu: CpuUsage | undefined;
  readonly cpuDetail: CpuDetail | undefined;
  readonly cpuset: Cpuset | undefined;
  readonly memory: MemoryUsage | undefined;
  readonly memoryDetail: MemoryDetail | undefined;
  readonly swap: SwapUsage | undefined;
  readonly pids: PidsUsage | undefined;
  readonly pidsDetail: PidsDetail | undefined;
  readonly io: IoUsage | undefined;
  readonly hugetlb: readonly HugetlbUsage[] | undefined;
  readonly hugetlbDetail: readonly HugetlbDetail[] | undefined;
  readonly pressure: PressureStats | undefined;
}

/** A part that can be asked for alone; each costs one to eight small files. */
export type StatsPart = keyof CgroupStats;

/** What the kubelet reads every ten seconds (CRI `ContainerStats`, `PodSandboxStats`). */
export const kubeletParts = ["cpu", "memory", "swap", "pids", "pressure"] as const;

/** What CRI's metrics are made of (`ListPodSandboxMetrics`). */
export const metricParts = [
  "cpu",
  "memory",
  "swap",
  "pids",
  "pressure",
  "cpuDetail",
  "memoryDetail",
  "pidsDetail",
  "io",
  "hugetlb",
] as const;

/** Everything. */
export const allParts: readonly StatsPart[] = [...metricParts, "cpuset", "hugetlbDetail"];

/** The parts that were asked for, and when they were read. */
export type CgroupReading<Part extends StatsPart> = Pick<CgroupStats, Part> & {
  /** Nanoseconds since the epoch. */
  readonly timestampNs: bigint;
};

/**
 * Reads cgroups. All methods are synchronous: kernel files never wait for a disk, see
 * kernel-file.ts. What vanished gives undefined; they throw CgroupError `read_failed` when the
 * kernel cannot be read at all, such as for want of file descriptors.
 */
export interface CgroupReader {
  readonly mode: CgroupMode;
  /** The cgroup of a process; undefined when it ended or has no cgroup of its own. */
  forPid(pid: number): CgroupPath | undefined;
  /**
   * The cgroup that the engine makes for a container, or a pod's (without a container id).
   *
   * @throws CgroupError `invalid_path` for a parent or id that would lead elsewhere.
   */
  forLocation(location: CgroupLocation): CgroupPath;
  /** Whether the cgroup exists now. */
  exists(path: CgroupPath): boolean;
  /**
   * The parts asked for, or undefined when the cgroup is gone, also when it goes while it is
   * read: a container that is half there is reported as not there.
   */
  read<Part extends StatsPart>(
    path: CgroupPath,
    parts: readonly Part[],
  ): CgroupReading<Part> | undefined;
  /** Processes, threads, and on demand file descriptors and sockets; undefined when gone. */
  countProcesses(path: CgroupPath, options?: ProcessCountOptions): ProcessCounts | undefined;
  /** Counters of the network namespace of a process; undefined when it ended. */
  readNetwork(pid: number, options?: NetworkOptions): NetworkUsage | undefined;
  /** Resource limits of a process; undefined when it ended. */
  readUlimits(pid: number): readonly Ulimit[] | undefined;
  /** `/dev/<name>` of a block device in `io`; undefined when it is not there. */
  blockDeviceName(major: number, minor: number): string | undefined;
  /** Closes the files that were kept open. */
  close(): void;
}

/**
 * Makes a reader for this machine.
 *
 * @throws CgroupError `not_available` when no cgroup hierarchy is mounted.
 */
export function createCgroupReader(options: CgroupReaderOptions = {}): CgroupReader {
  const {
    root = "/sys/fs/cgroup",
    procRoot = "/proc",
    sysRoot = "/sys",
    maxOpenFiles = 0,
    clock = systemClock,
  } = options;
  const hierarchies = detectHierarchies(root, procRoot);
  const files = createRecordFiles(maxOpenFiles);
  const hugetlb = createHugetlbReader();

  function readParts(path: CgroupPath, parts: readonly StatsPart[]): Partial<CgroupStats> {
    const sources = createSources(path, files);
    const stats: { -readonly [Part in StatsPart]?: CgroupStats[Part] } = {};
    for (const part of parts) {
      switch (part) {
        case "cpu":
          stats.cpu = readCpuUsage(sources("cpuacct"), clock);
          break;
        case "cpuDetail":
          stats.cpuDetail = readCpuDetail(sources);
          break;
        case "cpuset":
          stats.cpuset = readCpuset(sources("cpuset"));
          break;
        case "memory":
          stats.memory = readMemory(sources("memory"));
          break;
        case "memoryDetail":
          stats.memoryDetail = readMemoryDetail(sources("memory"));
          break;
        case "swap":
          stats.swap = readSwap(sources("memory"));
          break;
        case "pids":
          stats.pids = readPids(sources("pids"));
          break;
        case "pidsDetail":
          stats.pidsDetail = readPidsDetail(sources("pids"));
          break;
        case "io":
          stats.io = readIo(sources("blkio"));
          break;
        case "hugetlb":
          stats.hugetlb = hugetlb.usage(sources("hugetlb"));
          break;
        case "hugetlbDetail":
          stats.hugetlbDetail = hugetlb.detail(sources("hugetlb"));
          break;
        case "pressure":
          stats.pressure = readPressureOf(path, files);
          break;
      }
    }
    return stats;
  }

  return {
    mode: hierarchies.mode,
    forPid: (pid) => cgroupOfProcess(hierarchies, procRoot, pid),
    forLocation: (location) => cgroupAtLocation(hierarchies, location),
    exists,
    read<Part extends StatsPart>(path: CgroupPath, parts: readonly Part[]) {
      const timestampNs = clock.wallNs();
      const stats = readParts(path, parts);
      if (hasVanished(path, parts, stats)) return undefined;
      return { timestampNs, ...stats } as CgroupReading<Part>;
    },
    countProcesses: (path, countOptions = {}) => countProcesses(path, procRoot, countOptions),
    readNetwork: (pid, networkOptions = {}) => readNetwork(procRoot, pid, networkOptions, clock),
    readUlimits: (pid) => readUlimits(procRoot, pid, files),
    blockDeviceName: createBlockDeviceNames(sysRoot),
    close: () => files.close(),
  };
}

function readPressureOf({ unified }: CgroupPath, files: RecordFiles): PressureStats | undefined {
  if (unified === undefined) return undefined;
  return readPressure((file) => files.read(unified, file));
}

/** The parts that every container has, with their v1 controllers. */
const essentialParts = [
  ["memory", "memory"],
  ["cpu", "cpuacct"],
  ["pids", "pids"],
] as const satisfies readonly (readonly [StatsPart, string])[];

/**
 * Whether a cgroup went away while it was read. On v1 its directories go one by one, so a
 * missing part may be the first sign; a complete reading needs no further look.
 */
function hasVanished(
  path: CgroupPath,
  parts: readonly StatsPart[],
  stats: Partial<CgroupStats>,
): boolean {
  if (parts.every((part) => stats[part] === undefined)) return !exists(path);
  for (const [part, controller] of essentialParts) {
    if (!parts.includes(part) || stats[part] !== undefined) continue;
    const directory = path.v1.get(controller) ?? (path.mode === "v2" ? path.unified : undefined);
    if (directory !== undefined && !fs.existsSync(directory)) return true;
  }
  return false;
}

/**
 * One directory answers for all. Memory is asked first, because every engine makes a cgroup there.
 * On hybrid machines it may make none in the v2 hierarchy, so v2 is asked only when it is all
 * there is.
 */
function exists(path: CgroupPath): boolean {
  const first = path.v1.get("memory") ?? path.v1.get("pids") ?? [...directoriesOf(path)][0];
  return first !== undefined && fs.existsSync(first);
}
