import type {
  CgroupReading,
  FilesystemCapacity,
  InterfaceUsage,
  IoUsage,
  LayerUsage,
  metricParts,
  NetworkUsage,
  ProcessCounts,
  Ulimit,
} from "@dockershim/cgroups";
import type { AddSample } from "./metrics-writer.js";

type MetricFigures = CgroupReading<(typeof metricParts)[number]>;

/** All that is known of a running container. */
export interface ContainerReading {
  readonly stats: MetricFigures;
  readonly counts: ProcessCounts | undefined;
  readonly ulimits: readonly Ulimit[] | undefined;
  readonly layer: LayerUsage | undefined;
  readonly disk: FilesystemCapacity | undefined;
  /** Unix time, ns. */
  readonly startedAt: bigint;
  readonly deviceName: (major: number, minor: number) => string | undefined;
}

const second = 1_000_000_000n;

function seconds(nanoseconds: bigint | undefined): bigint | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / second;
}

export function addContainerSamples(add: AddSample, reading: ContainerReading): void {
  const { stats } = reading;
  add("container_last_seen", seconds(stats.timestampNs));
  add("container_start_time_seconds", seconds(reading.startedAt));
  addCpu(add, stats);
  addMemory(add, stats);
  addPressure(add, stats);
  addDisk(add, reading);
  if (stats.io !== undefined) addIo(add, stats.io, reading.deviceName);
  for (const { pageSize, usageBytes, maxUsageBytes } of stats.hugetlb ?? []) {
    add("container_hugetlb_usage_bytes", usageBytes, pageSize);
    add("container_hugetlb_max_usage_bytes", maxUsageBytes, pageSize);
  }
  addProcesses(add, reading);
}

function addCpu(add: AddSample, { cpu, cpuDetail }: MetricFigures): void {
  add("container_cpu_usage_seconds_total", seconds(cpu?.usageNs), "total");
  if (cpuDetail === undefined) return;
  add("container_cpu_user_seconds_total", seconds(cpuDetail.userNs));
  add("container_cpu_system_seconds_total", seconds(cpuDetail.systemNs));
  add("container_cpu_cfs_periods_total", cpuDetail.periods);
  add("container_cpu_cfs_throttled_periods_total", cpuDetail.throttledPeriods);
  add("container_cpu_cfs_throttled_seconds_total", seconds(cpuDetail.throttledNs));
  add("container_spec_cpu_period", cpuDetail.periodUs);
  add("container_spec_cpu_quota", cpuDetail.quotaUs);
  add("container_spec_cpu_shares", cpuDetail.shares);
}

function addMemory(add: AddSample, { memory, memoryDetail, swap }: MetricFigures): void {
  if (memory !== undefined) {
    add("container_memory_usage_bytes", memory.usageBytes);
    add("container_memory_working_set_bytes", memory.workingSetBytes);
    add("container_memory_rss", memory.rssBytes);
    add("container_memory_cache", memory.cacheBytes);
    add("container_memory_mapped_file", memory.mappedFileBytes);
    // Without swap accounting nothing of it is known to be in swap, which is what 0 says.
    add("container_memory_swap", swap?.usageBytes ?? 0n);
    add("container_spec_memory_limit_bytes", memory.limitBytes ?? 0n);
    // cgroup v2 counts with all below only; a container's processes are seldom below it.
    const { pageFaults, majorPageFaults } = memory;
    const { ownPageFaults = pageFaults, ownMajorPageFaults = majorPageFaults } = memory;
    const faults = "container_memory_failures_total";
    add(faults, ownPageFaults, "pgfault", "container");
    add(faults, ownMajorPageFaults, "pgmajfault", "container");
    add(faults, pageFaults, "pgfault", "hierarchy");
    add(faults, majorPageFaults, "pgmajfault", "hierarchy");
  }
  if (memoryDetail === undefined) return;
  add("container_memory_failcnt", memoryDetail.failCount);
  // cgroup v1 has no such threshold, so that nothing was ever throttled by it.
  add("container_memory_events_high_total", memoryDetail.highCount ?? 0n);
  add("container_memory_events_max_total", memoryDetail.failCount);
  add("container_memory_kernel_usage", memoryDetail.kernelBytes);
  add("container_memory_max_usage_bytes", memoryDetail.maxUsageBytes);
  add("container_oom_events_total", memoryDetail.oomKills);
  add("container_spec_memory_reservation_limit_bytes", memoryDetail.reservationBytes ?? 0n);
  add("container_spec_memory_swap_limit_bytes", memoryDetail.memoryAndSwapLimitBytes ?? 0n);
}

function addPressure(add: AddSample, { pressure }: MetricFigures): void {
  for (const resource of ["cpu", "io", "memory"] as const) {
    const found = pressure?.[resource];
    if (found === undefined) continue;
    add(`container_pressure_${resource}_waiting_seconds_total`, seconds(found.some.totalNs));
    add(`container_pressure_${resource}_stalled_seconds_total`, seconds(found.full?.totalNs));
  }
}

function addDisk(add: AddSample, { layer, disk }: ContainerReading): void {
  if (disk === undefined) return;
  add("container_fs_limit_bytes", disk.totalBytes, disk.device);
  // critest wants it told, and Kubernetes' node suite at most 10,240; cAdvisor tells 0.
  add("container_fs_inodes_free", 0n, disk.device);
  add("container_fs_inodes_total", layer?.inodesUsed, disk.device);
  add("container_fs_usage_bytes", layer?.usedBytes, disk.device);
}

function addIo(
  add: AddSample,
  { devices }: IoUsage,
  deviceName: ContainerReading["deviceName"],
): void {
  for (const { major, minor, ...usage } of devices) {
    const device = deviceName(major, minor) ?? `${major}:${minor}`;
    const numbers = [device, String(major), String(minor)] as const;
    add("container_blkio_device_usage_total", usage.readBytes, ...numbers, "Read");
    add("container_blkio_device_usage_total", usage.writeBytes, ...numbers, "Write");
    add("container_blkio_device_usage_total", usage.discardBytes, ...numbers, "Discard");
    add("container_fs_reads_bytes_total", usage.readBytes, device);
    add("container_fs_reads_total", usage.reads, device);
    add("container_fs_writes_bytes_total", usage.writeBytes, device);
    add("container_fs_writes_total", usage.writes, device);
  }
}

function addProcesses(add: AddSample, { stats, counts, ulimits }: ContainerReading): void {
  if (counts !== undefined) {
    add("container_processes", BigInt(counts.processes));
    add("container_threads", stats.pids?.current ?? optionalCount(counts.threads));
    add("container_file_descriptors", optionalCount(counts.fileDescriptors));
    add("container_sockets", optionalCount(counts.sockets));
  }
  if (stats.pidsDetail !== undefined) add("container_threads_max", stats.pidsDetail.limit ?? 0n);
  for (const { name, soft } of ulimits ?? []) add("container_ulimits_soft", soft, name);
}

function optionalCount(count: number | undefined): bigint | undefined {
  return count === undefined ? undefined : BigInt(count);
}

/** Network metrics are the pod's: its containers share the namespace. */
export function addNetworkSamples(add: AddSample, network: NetworkUsage): void {
  const { defaultInterface, interfaces } = network;
  if (defaultInterface !== undefined) addInterface(add, defaultInterface);
  for (const usage of interfaces) addInterface(add, usage);
}

function addInterface(add: AddSample, usage: InterfaceUsage): void {
  const { name } = usage;
  add("container_network_receive_bytes_total", usage.rxBytes, name);
  add("container_network_receive_errors_total", usage.rxErrors, name);
  add("container_network_receive_packets_dropped_total", usage.rxDropped, name);
  add("container_network_receive_packets_total", usage.rxPackets, name);
  add("container_network_transmit_bytes_total", usage.txBytes, name);
  add("container_network_transmit_errors_total", usage.txErrors, name);
  add("container_network_transmit_packets_dropped_total", usage.txDropped, name);
  add("container_network_transmit_packets_total", usage.txPackets, name);
}
