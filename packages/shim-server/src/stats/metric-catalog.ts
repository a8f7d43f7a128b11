import type { MetricDescriptor, MetricType } from "@dockershim/cri-types";
import { MetricType as Type } from "@dockershim/cri-types";

/** A metric of ListPodSandboxMetrics: the names, labels and units are cAdvisor's. */
export interface MetricKind {
  readonly type: MetricType;
  readonly help: string;
  /** Labels beside those that every metric has. */
  readonly labels?: readonly string[];
}

/** The labels that every metric has, in this order, as cAdvisor has them. */
export const commonLabels: readonly string[] = [
  "container",
  "id",
  "image",
  "name",
  "namespace",
  "pod",
];

const { COUNTER, GAUGE } = Type;

/** All metrics by name. Values are whole numbers, as CRI has no others. */
export const metricCatalog: Readonly<Record<string, MetricKind>> = {
  container_blkio_device_usage_total: {
    type: COUNTER,
    help: "Bytes moved between the container and a block device, by operation.",
    labels: ["device", "major", "minor", "operation"],
  },
  container_cpu_cfs_periods_total: {
    type: COUNTER,
    help: "Periods of the processor quota that have passed.",
  },
  container_cpu_cfs_throttled_periods_total: {
    type: COUNTER,
    help: "Periods in which the container had used up its processor quota.",
  },
  container_cpu_cfs_throttled_seconds_total: {
    type: COUNTER,
    help: "Seconds for which the container waited because its processor quota was used up.",
  },
  container_cpu_system_seconds_total: {
    type: COUNTER,
    help: "Processor seconds spent in the kernel.",
  },
  container_cpu_usage_seconds_total: {
    type: COUNTER,
    help: "Processor seconds used, all processors together.",
    labels: ["cpu"],
  },
  container_cpu_user_seconds_total: {
    type: COUNTER,
    help: "Processor seconds spent in user mode.",
  },
  container_file_descriptors: { type: GAUGE, help: "Open file descriptors." },
  container_fs_inodes_free: {
    type: GAUGE,
    help: "0: a writable layer has no inodes of its own that could be free.",
    labels: ["device"],
  },
  // By its name it should be what the file system has; cAdvisor tells this for containers, and so do its readers
  // take it.
  container_fs_inodes_total: {
    type: GAUGE,
    help: "Inodes that the writable layer takes.",
    labels: ["device"],
  },
  container_fs_limit_bytes: {
    type: GAUGE,
    help: "Size in bytes of the file system of the writable layer.",
    labels: ["device"],
  },
  container_fs_reads_bytes_total: {
    type: COUNTER,
    help: "Bytes read from a block device.",
    labels: ["device"],
  },
  container_fs_reads_total: {
    type: COUNTER,
    help: "Reads from a block device.",
    labels: ["device"],
  },
  container_fs_usage_bytes: {
    type: GAUGE,
    help: "Bytes that the container's writable layer takes.",
    labels: ["device"],
  },
  container_fs_writes_bytes_total: {
    type: COUNTER,
    help: "Bytes written to a block device.",
    labels: ["device"],
  },
  container_fs_writes_total: {
    type: COUNTER,
    help: "Writes to a block device.",
    labels: ["device"],
  },
  container_hugetlb_max_usage_bytes: {
    type: GAUGE,
    help: "Most bytes of huge pages that were ever in use, by page size.",
    labels: ["pagesize"],
  },
  container_hugetlb_usage_bytes: {
    type: GAUGE,
    help: "Bytes of huge pages in use, by page size.",
    labels: ["pagesize"],
  },
  container_last_seen: { type: GAUGE, help: "When the container was read, Unix time in seconds." },
  container_memory_cache: { type: GAUGE, help: "Bytes of page cache." },
  container_memory_events_high_total: {
    type: COUNTER,
    help: "How often processes were throttled because memory was above memory.high.",
  },
  container_memory_events_max_total: {
    type: COUNTER,
    help: "How often memory was about to go beyond the limit.",
  },
  container_memory_failcnt: { type: COUNTER, help: "How often the memory limit was hit." },
  container_memory_failures_total: {
    type: COUNTER,
    help: "Page faults, by kind, of the container itself and with all below it.",
    labels: ["failure_type", "scope"],
  },
  container_memory_kernel_usage: { type: GAUGE, help: "Bytes that the kernel uses for it." },
  container_memory_mapped_file: { type: GAUGE, help: "Bytes of files mapped into memory." },
  container_memory_max_usage_bytes: { type: GAUGE, help: "Most memory ever used, in bytes." },
  container_memory_rss: { type: GAUGE, help: "Bytes of anonymous memory." },
  container_memory_swap: { type: GAUGE, help: "Bytes in swap." },
  container_memory_usage_bytes: {
    type: GAUGE,
    help: "Bytes of memory in use, whatever for, caches included.",
  },
  container_memory_working_set_bytes: {
    type: GAUGE,
    help: "Bytes of memory in use without page cache that can be dropped at once.",
  },
  container_network_receive_bytes_total: network("Bytes received."),
  container_network_receive_errors_total: network("Errors while receiving."),
  container_network_receive_packets_dropped_total: network("Packets dropped while receiving."),
  container_network_receive_packets_total: network("Packets received."),
  container_network_transmit_bytes_total: network("Bytes sent."),
  container_network_transmit_errors_total: network("Errors while sending."),
  container_network_transmit_packets_dropped_total: network("Packets dropped while sending."),
  container_network_transmit_packets_total: network("Packets sent."),
  container_oom_events_total: {
    type: COUNTER,
    help: "Processes killed because the memory limit was reached.",
  },
  container_pressure_cpu_stalled_seconds_total: {
    type: COUNTER,
    help: "Seconds for which all processes waited for a processor.",
  },
  container_pressure_cpu_waiting_seconds_total: {
    type: COUNTER,
    help: "Seconds for which some process waited for a processor.",
  },
  container_pressure_io_stalled_seconds_total: {
    type: COUNTER,
    help: "Seconds for which all processes waited for a disk.",
  },
  container_pressure_io_waiting_seconds_total: {
    type: COUNTER,
    help: "Seconds for which some process waited for a disk.",
  },
  container_pressure_memory_stalled_seconds_total: {
    type: COUNTER,
    help: "Seconds for which all processes waited for memory.",
  },
  container_pressure_memory_waiting_seconds_total: {
    type: COUNTER,
    help: "Seconds for which some process waited for memory.",
  },
  container_processes: { type: GAUGE, help: "Processes." },
  container_sockets: { type: GAUGE, help: "Open sockets." },
  container_spec_cpu_period: { type: GAUGE, help: "Period of the processor quota, microseconds." },
  container_spec_cpu_quota: {
    type: GAUGE,
    help: "Processor quota, microseconds in a period; absent without one.",
  },
  container_spec_cpu_shares: { type: GAUGE, help: "Share of the processors, relative to others." },
  container_spec_memory_limit_bytes: {
    type: GAUGE,
    help: "Memory limit in bytes, 0 for none.",
  },
  container_spec_memory_reservation_limit_bytes: {
    type: GAUGE,
    help: "Memory reservation in bytes, 0 for none.",
  },
  container_spec_memory_swap_limit_bytes: {
    type: GAUGE,
    help: "Limit of memory and swap together in bytes, 0 for none.",
  },
  container_start_time_seconds: {
    type: GAUGE,
    help: "When the container was started, Unix time in seconds.",
  },
  container_threads: { type: GAUGE, help: "Threads." },
  container_threads_max: { type: GAUGE, help: "Limit of threads, 0 for none." },
  container_ulimits_soft: {
    type: GAUGE,
    help: "Soft limit of a resource of the first process; absent for none.",
    labels: ["ulimit"],
  },
};

function network(help: string): MetricKind {
  return { type: COUNTER, help, labels: ["interface"] };
}

/** ListMetricDescriptors. */
export function metricDescriptors(): { descriptors: MetricDescriptor[] } {
  return {
    descriptors: Object.entries(metricCatalog).map(([name, { help, labels = [] }]) => ({
      $typeName: "runtime.v1.MetricDescriptor",
      name,
      help,
      labelKeys: [...commonLabels, ...labels],
    })),
  };
}
