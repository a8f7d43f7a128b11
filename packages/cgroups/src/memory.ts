import type { ControllerSource } from "./controller-source.js";
import { parseCount, parseLimit, unlimited } from "./parse.js";

/** Memory of a cgroup and all below it, in bytes. */
export interface MemoryUsage {
  /** All memory charged, page cache included: CRI `usage_bytes`. */
  readonly usageBytes: bigint;
  /**
   * Usage less the page cache that was not used lately (`inactive_file`), at least 0: CRI
   * `working_set_bytes`, as the kubelet's cAdvisor defines it and evicts by.
   */
  readonly workingSetBytes: bigint;
  /** Limit less working set, at least 0; undefined without a limit: CRI `available_bytes`. */
  readonly availableBytes: bigint | undefined;
  /** The cgroup's own limit; undefined when it is unlimited. */
  readonly limitBytes: bigint | undefined;
  /** Anonymous memory, transparent huge pages included: CRI `rss_bytes`. */
  readonly rssBytes: bigint | undefined;
  /** Page cache, tmpfs included. */
  readonly cacheBytes: bigint | undefined;
  /** Page cache that is mapped by processes. */
  readonly mappedFileBytes: bigint | undefined;
  readonly inactiveFileBytes: bigint | undefined;
  /** Page faults, minor and major, of this cgroup and all below: CRI `page_faults`. */
  readonly pageFaults: bigint | undefined;
  /** Page faults that had to read a disk: CRI `major_page_faults`. */
  readonly majorPageFaults: bigint | undefined;
  /** Page faults of this cgroup without those below it; v1 only. */
  readonly ownPageFaults: bigint | undefined;
  readonly ownMajorPageFaults: bigint | undefined;
}

/** What the metrics want beyond the usage, in bytes or events. */
export interface MemoryDetail {
  /** The most that was ever in use; v2 since Linux 5.19. */
  readonly maxUsageBytes: bigint | undefined;
  /** How often the limit was hit. */
  readonly failCount: bigint | undefined;
  /** How often processes were throttled because usage was above `memory.high`; v2 only. */
  readonly highCount: bigint | undefined;
  /** Memory of the kernel for this cgroup. */
  readonly kernelBytes: bigint | undefined;
  /** Processes that the out-of-memory killer ended. On v1 those below do not count. */
  readonly oomKills: bigint | undefined;
  /** Soft limit (v1) or protection `memory.low` (v2), where the OCI runtime puts a reservation. */
  readonly reservationBytes: bigint | undefined;
  /** Limit of memory and swap together, as Docker's `MemorySwap`; undefined when unlimited. */
  readonly memoryAndSwapLimitBytes: bigint | undefined;
}

/** Swap space of a cgroup and all below it, in bytes. */
export interface SwapUsage {
  /** CRI `SwapUsage.swap_usage_bytes`. */
  readonly usageBytes: bigint;
  /** Limit of swap alone; undefined when unlimited. */
  readonly limitBytes: bigint | undefined;
  /** Limit less usage, at least 0; undefined without a limit: CRI `swap_available_bytes`. */
  readonly availableBytes: bigint | undefined;
}

/** Keys of memory.stat that matter; the v1 ones with `total_` include the cgroups below. */
const v1Stat: ReadonlySet<string> = new Set([
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
  "pgfault",
  "pgmajfault",
  "total_cache",
  "total_inactive_file",
  "total_mapped_file",
  "total_pgfault",
  "total_pgmajfault",
  "total_rss",
  "total_swap",
]);
/** Before Linux 5.18 memory.stat has no sum, only the larger kinds of kernel memory. */
const kernelKinds = ["kernel_stack", "pagetables", "percpu", "slab", "sock", "vmalloc"] as const;
const v2Stat: ReadonlySet<string> = new Set([
  "anon",
  "file",
  "file_mapped",
  "inactive_file",
  "pgfault",
  "pgmajfault",
  "kernel",
  ...kernelKinds,
]);

/** Usage; undefined when the memory controller is not there or the cgroup is gone. */
export function readMemory(memory: ControllerSource | undefined): MemoryUsage | undefined {
  if (memory === undefined) return undefined;
  const v1 = memory.version === 1;
  const usageBytes = parseCount(memory.read(v1 ? "memory.usage_in_bytes" : "memory.current"));
  if (usageBytes === undefined || memory.read("memory.stat") === undefined) return undefined;
  const stat = memory.readKeyed("memory.stat", v1 ? v1Stat : v2Stat);
  const inactiveFileBytes = stat.get(v1 ? "total_inactive_file" : "inactive_file");
  const workingSetBytes = atLeastZero(usageBytes - (inactiveFileBytes ?? 0n));
  const limitBytes = readMemoryLimit(memory, stat);
  return {
    usageBytes,
    workingSetBytes,
    availableBytes:
      limitBytes === undefined ? undefined : atLeastZero(limitBytes - workingSetBytes),
    limitBytes,
    rssBytes: stat.get(v1 ? "total_rss" : "anon"),
    cacheBytes: stat.get(v1 ? "total_cache" : "file"),
    mappedFileBytes: stat.get(v1 ? "total_mapped_file" : "file_mapped"),
    inactiveFileBytes,
    pageFaults: stat.get(v1 ? "total_pgfault" : "pgfault"),
    majorPageFaults: stat.get(v1 ? "total_pgmajfault" : "pgmajfault"),
    ownPageFaults: v1 ? stat.get("pgfault") : undefined,
    ownMajorPageFaults: v1 ? stat.get("pgmajfault") : undefined,
  };
}

/** Detail; undefined when the memory controller is not there or the cgroup is gone. */
export function readMemoryDetail(memory: ControllerSource | undefined): MemoryDetail | undefined {
  if (memory?.read("memory.stat") === undefined) return undefined;
  return memory.version === 1 ? readDetailV1(memory) : readDetailV2(memory);
}

const oomControl: ReadonlySet<string> = new Set(["oom_kill"]);

function readDetailV1(memory: ControllerSource): MemoryDetail {
  return {
    maxUsageBytes: parseCount(memory.read("memory.max_usage_in_bytes")),
    failCount: parseCount(memory.read("memory.failcnt")),
    highCount: undefined,
    kernelBytes: parseCount(memory.read("memory.kmem.usage_in_bytes")),
    oomKills: memory.readKeyed("memory.oom_control", oomControl).get("oom_kill"),
    reservationBytes: parseLimit(memory.read("memory.soft_limit_in_bytes")),
    memoryAndSwapLimitBytes: parseLimit(memory.read("memory.memsw.limit_in_bytes")),
  };
}

const memoryEvents: ReadonlySet<string> = new Set(["high", "max", "oom_kill"]);

function readDetailV2(memory: ControllerSource): MemoryDetail {
  const events = memory.readKeyed("memory.events", memoryEvents);
  const limit = readMemoryLimit(memory);
  const swapLimit = parseLimit(memory.read("memory.swap.max"));
  return {
    maxUsageBytes: parseCount(memory.read("memory.peak")),
    failCount: events.get("max"),
    highCount: events.get("high"),
    kernelBytes: kernelBytesV2(memory),
    oomKills: events.get("oom_kill"),
    reservationBytes: parseLimit(memory.read("memory.low")),
    memoryAndSwapLimitBytes:
      limit === undefined || swapLimit === undefined ? undefined : limit + swapLimit,
  };
}

function kernelBytesV2(memory: ControllerSource): bigint | undefined {
  const stat = memory.readKeyed("memory.stat", v2Stat);
  const sum = stat.get("kernel");
  if (sum !== undefined || kernelKinds.every((kind) => !stat.has(kind))) return sum;
  return kernelKinds.reduce((total, kind) => total + (stat.get(kind) ?? 0n), 0n);
}

/** Swap; undefined where the kernel does not account for it. */
export function readSwap(memory: ControllerSource | undefined): SwapUsage | undefined {
  if (memory === undefined) return undefined;
  const [usageBytes, limitBytes] = memory.version === 1 ? swapV1(memory) : swapV2(memory);
  if (usageBytes === undefined) return undefined;
  return {
    usageBytes,
    limitBytes,
    availableBytes: limitBytes === undefined ? undefined : atLeastZero(limitBytes - usageBytes),
  };
}

type UsageAndLimit = readonly [usage: bigint | undefined, limit: bigint | undefined];

/**
 * v1 limits only memory and swap together. Usage is from memory.stat: the difference of two
 * counters that are read one after the other would be noise while a container is busy.
 */
function swapV1(memory: ControllerSource): UsageAndLimit {
  const stat = memory.readKeyed("memory.stat", v1Stat);
  const usage = stat.get("total_swap");
  const limit = readMemoryLimit(memory, stat);
  if (limit === undefined || isUnlimited(stat.get("hierarchical_memsw_limit"))) {
    return [usage, undefined];
  }
  const both = parseLimit(memory.read("memory.memsw.limit_in_bytes"));
  if (both === undefined) return [usage, undefined];
  return [usage, atLeastZero(both - limit)];
}

function swapV2(memory: ControllerSource): UsageAndLimit {
  const usage = parseCount(memory.read("memory.swap.current"));
  return [usage, usage === undefined ? undefined : parseLimit(memory.read("memory.swap.max"))];
}

/**
 * The cgroup's own limit. On v1 memory.stat also has the least limit of it and all above: when
 * that is unlimited the own one is too, and its file need not be read.
 */
function readMemoryLimit(
  memory: ControllerSource,
  stat?: ReadonlyMap<string, bigint>,
): bigint | undefined {
  if (memory.version === 2) return parseLimit(memory.read("memory.max"));
  if (isUnlimited(stat?.get("hierarchical_memory_limit"))) return undefined;
  return parseLimit(memory.read("memory.limit_in_bytes"));
}

function isUnlimited(value: bigint | undefined): boolean {
  return value !== undefined && value >= unlimited;
}

function atLeastZero(value: bigint): bigint {
  return value < 0n ? 0n : value;
}
