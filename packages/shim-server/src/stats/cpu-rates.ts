import { type CpuSample, usageNanoCores } from "@dockershim/cgroups";

/** Remembers processor samples, to know how fast a container uses the processors. */
export interface CpuRates {
  /** Begins with a sample that nobody asked a rate of. */
  begin(id: string, sample: CpuSample): void;
  /**
   * Processor use up to a sample, in nanocores (CRI `CpuUsage.usage_nano_cores`).
   *
   * @returns undefined for the first sample of a container.
   */
  rate(id: string, sample: CpuSample): bigint | undefined;
  forget(id: string): void;
}

/** Samples closer than this say more of the scheduler's steps than of the container, in ns. */
const shortestWindowNs = 1_000_000_000n;

/**
 * Rates over the time between two reads, but not over less than a second where an older sample
 * is there: so several readers do not make each other's windows too short.
 */
export function createCpuRates(): CpuRates {
  const samples = new Map<string, { older: CpuSample | undefined; newer: CpuSample }>();
  return {
    begin(id, newer) {
      samples.set(id, { older: undefined, newer });
    },
    rate(id, sample) {
      const known = samples.get(id);
      if (known === undefined || sample.usageNs < known.newer.usageNs) {
        // A counter that went back is another cgroup's: the container was started again.
        samples.set(id, { older: undefined, newer: sample });
        return undefined;
      }
      if (sample.monotonicNs - known.newer.monotonicNs < shortestWindowNs) {
        return usageNanoCores(known.older ?? known.newer, sample);
      }
      samples.set(id, { older: known.newer, newer: sample });
      return usageNanoCores(known.newer, sample);
    },
    forget(id) {
      samples.delete(id);
    },
  };
}
