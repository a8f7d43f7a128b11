export type { CgroupLocation, CgroupPath } from "./cgroup-path.js";
export type { Clock } from "./clock.js";
export type { CpuDetail, Cpuset, CpuUsage } from "./cpu.js";
export { CgroupError, type CgroupErrorCode } from "./errors.js";
export { type FilesystemCapacity, readFilesystemCapacity } from "./filesystem.js";
export type { HugetlbDetail, HugetlbUsage } from "./hugetlb.js";
export type { IoDeviceUsage, IoUsage } from "./io.js";
export {
  createLayerUsageTracker,
  type LayerUsage,
  type LayerUsageOptions,
  type LayerUsageTracker,
} from "./layer-usage.js";
export type { MemoryDetail, MemoryUsage, SwapUsage } from "./memory.js";
export type { CgroupMode } from "./mode.js";
export type { InterfaceUsage, NetworkOptions, NetworkUsage } from "./network.js";
export { readOomKills, watchOomKills } from "./oom-kills.js";
export type { PidsDetail, PidsUsage } from "./pids.js";
export type { Pressure, PressureData, PressureStats } from "./pressure.js";
export type { ProcessCountOptions, ProcessCounts } from "./process-counts.js";
export {
  allParts,
  type CgroupReader,
  type CgroupReaderOptions,
  type CgroupReading,
  type CgroupStats,
  createCgroupReader,
  kubeletParts,
  metricParts,
  type StatsPart,
} from "./reader.js";
export { readUlimits, type Ulimit } from "./ulimits.js";
export { type CpuSample, usageNanoCores } from "./usage-nano-cores.js";
export { readCgroupFile, writeCgroupFile, writeHugepageLimit, writeUnified } from "./write.js";
