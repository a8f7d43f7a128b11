import type { CpuUsage } from "./cpu.js";

/** What a rate needs of a sample. */
export type CpuSample = Pick<CpuUsage, "monotonicNs" | "usageNs">;

/**
 * Processor use between two samples of the same cgroup, in nanocores (10⁹ = one processor fully
 * used): CRI `CpuUsage.usage_nano_cores`.
 *
 * @returns undefined when the second sample is not later, or counts less than the first: then
 * they are of different cgroups, as after a restart of the container.
 */
export function usageNanoCores(earlier: CpuSample, later: CpuSample): bigint | undefined {
  const elapsed = later.monotonicNs - earlier.monotonicNs;
  const used = later.usageNs - earlier.usageNs;
  if (elapsed <= 0n || used < 0n) return undefined;
  return (used * 1_000_000_000n) / elapsed;
}
