import type { Clock } from "./clock.js";
import type { ControllerSource } from "./controller-source.js";
import { countCpuList, parseCount, parseLimit } from "./parse.js";

/** What a cgroup and all below it have used of the processors. */
export interface CpuUsage {
  /** When it was read, nanoseconds since the epoch: CRI `CpuUsage.timestamp`. */
  readonly timestampNs: bigint;
  /** When it was read, on a clock that is never set: see `usageNanoCores`. */
  readonly monotonicNs: bigint;
  /** Processor time so far, nanoseconds: CRI `CpuUsage.usage_core_nano_seconds`. */
  readonly usageNs: bigint;
}

/** How the processor time was spent, and what limits it. */
export interface CpuDetail {
  /** Time in user mode, nanoseconds. On v1 the kernel reports it in steps of 10 ms. */
  readonly userNs: bigint | undefined;
  /** Time in the kernel, nanoseconds. On v1 the kernel reports it in steps of 10 ms. */
  readonly systemNs: bigint | undefined;
  /** Quota periods that have passed. */
  readonly periods: bigint | undefined;
  /** Quota periods in which the cgroup had to wait. */
  readonly throttledPeriods: bigint | undefined;
  /** How long it had to wait, nanoseconds. */
  readonly throttledNs: bigint | undefined;
  /** Processor time per period, microseconds; undefined without a quota. */
  readonly quotaUs: bigint | undefined;
  /** Length of a period, microseconds. */
  readonly periodUs: bigint | undefined;
  /**
   * CPU shares, 2…262144. On v2 they are derived from the weight by the inverse of the OCI
   * runtime's linear conversion, so they come back rounded.
   */
  readonly shares: bigint | undefined;
  /** CPU weight, 1…10000; v2 only. */
  readonly weight: bigint | undefined;
}

/** Where a cgroup may run. */
export interface Cpuset {
  /** How many processors it may run on. */
  readonly cpus: number;
}

/** cpuacct.stat counts in USER_HZ, which is 100 on every architecture that Docker runs on. */
const nsPerTick = 10_000_000n;

/** Keys of cpu.stat that matter; on v1 it has those of the quota only. */
const cpuStat: ReadonlySet<string> = new Set([
  "usage_usec",
  "user_usec",
  "system_usec",
  "nr_periods",
  "nr_throttled",
  "throttled_time",
  "throttled_usec",
]);

/** Usage from cpuacct.usage (v1) or cpu.stat (v2). */
export function readCpuUsage(
  cpuacct: ControllerSource | undefined,
  clock: Clock,
): CpuUsage | undefined {
  if (cpuacct === undefined) return undefined;
  const timestampNs = clock.wallNs();
  const monotonicNs = clock.monotonicNs();
  if (cpuacct.version === 1) {
    const usageNs = parseCount(cpuacct.read("cpuacct.usage"));
    return usageNs === undefined ? undefined : { timestampNs, monotonicNs, usageNs };
  }
  const usageUs = cpuacct.readKeyed("cpu.stat", cpuStat).get("usage_usec");
  return usageUs === undefined ? undefined : { timestampNs, monotonicNs, usageNs: usageUs * 1000n };
}

/** The detail; undefined when the cgroup has none of the processor controllers. */
export function readCpuDetail(
  sources: (v1Controller: string) => ControllerSource | undefined,
): CpuDetail | undefined {
  const cpu = sources("cpu");
  const cpuacct = sources("cpuacct");
  if (cpu === undefined && cpuacct === undefined) return undefined;
  return {
    ...readTimes(cpuacct),
    ...readThrottling(cpu),
    ...readShare(cpu),
  };
}

const v1Times: ReadonlySet<string> = new Set(["user", "system"]);

function readTimes(cpuacct: ControllerSource | undefined): Pick<CpuDetail, "userNs" | "systemNs"> {
  if (cpuacct === undefined) return { userNs: undefined, systemNs: undefined };
  if (cpuacct.version === 1) {
    const ticks = cpuacct.readKeyed("cpuacct.stat", v1Times);
    return {
      userNs: times(ticks.get("user"), nsPerTick),
      systemNs: times(ticks.get("system"), nsPerTick),
    };
  }
  const stat = cpuacct.readKeyed("cpu.stat", cpuStat);
  return {
    userNs: times(stat.get("user_usec"), 1000n),
    systemNs: times(stat.get("system_usec"), 1000n),
  };
}

function readThrottling(
  cpu: ControllerSource | undefined,
): Pick<CpuDetail, "periods" | "throttledPeriods" | "throttledNs"> {
  const stat = cpu?.readKeyed("cpu.stat", cpuStat);
  return {
    periods: stat?.get("nr_periods"),
    throttledPeriods: stat?.get("nr_throttled"),
    // v1 counts nanoseconds and v2 microseconds.
    throttledNs: stat?.get("throttled_time") ?? times(stat?.get("throttled_usec"), 1000n),
  };
}

function readShare(
  cpu: ControllerSource | undefined,
): Pick<CpuDetail, "quotaUs" | "periodUs" | "shares" | "weight"> {
  if (cpu === undefined) {
    return { quotaUs: undefined, periodUs: undefined, shares: undefined, weight: undefined };
  }
  if (cpu.version === 1) {
    return {
      // "no quota" is -1, which is not a count and so comes out as undefined.
      quotaUs: parseCount(cpu.read("cpu.cfs_quota_us")),
      periodUs: parseCount(cpu.read("cpu.cfs_period_us")),
      shares: parseCount(cpu.read("cpu.shares")),
      weight: undefined,
    };
  }
  const [quota, period] = (cpu.read("cpu.max") ?? "").trim().split(" ");
  const weight = parseCount(cpu.read("cpu.weight"));
  return {
    quotaUs: parseLimit(quota),
    periodUs: parseCount(period),
    shares: weight === undefined ? undefined : sharesOfWeight(weight),
    weight,
  };
}

/** Inverse of weight = 1 + ((shares − 2) × 9999) / 262142. */
function sharesOfWeight(weight: bigint): bigint {
  return ((weight - 1n) * 262_142n) / 9_999n + 2n;
}

/** Processors; undefined when the cpuset controller is not there or the cgroup is gone. */
export function readCpuset(cpuset: ControllerSource | undefined): Cpuset | undefined {
  if (cpuset === undefined) return undefined;
  const files =
    cpuset.version === 2 ? ["cpuset.cpus.effective"] : ["cpuset.effective_cpus", "cpuset.cpus"];
  for (const file of files) {
    const cpus = countCpuList(cpuset.read(file));
    if (cpus !== undefined) return { cpus };
  }
  return undefined;
}

function times(value: bigint | undefined, factor: bigint): bigint | undefined {
  return value === undefined ? undefined : value * factor;
}
