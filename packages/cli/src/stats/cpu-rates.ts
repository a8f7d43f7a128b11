import type { CpuUsage } from "@dockershim/cri-types";

export interface CpuRates {
  /**
   * How much CPU something uses, in nanoseconds of CPU time in each second: as the runtime tells it, or since the last
   * call for the same id.
   *
   * @returns undefined at the first call for an id whose runtime does not tell it.
   */
  rate(id: string, cpu: CpuUsage | undefined): number | undefined;
}

/** Remembers what each thing had used, for runtimes that only tell sums. */
export function createCpuRates(): CpuRates {
  const last = new Map<string, { timestamp: bigint; used: bigint; rate: number | undefined }>();
  return {
    rate(id, cpu) {
      if (cpu?.usageNanoCores !== undefined) return Number(cpu.usageNanoCores.value);
      if (cpu?.usageCoreNanoSeconds === undefined) return undefined;
      const { timestamp } = cpu;
      const used = cpu.usageCoreNanoSeconds.value;
      const before = last.get(id);
      // A runtime may tell the same reading twice.
      if (before?.timestamp === timestamp) return before.rate;
      const passed = before === undefined ? 0 : Number(timestamp - before.timestamp);
      const rate =
        before !== undefined && passed > 0 && used >= before.used
          ? (Number(used - before.used) * 1e9) / passed
          : undefined;
      last.set(id, { timestamp, used, rate });
      return rate;
    },
  };
}
