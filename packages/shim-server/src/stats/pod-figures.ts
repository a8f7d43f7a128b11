import type { MemoryUsage } from "@dockershim/cgroups";
import type { SandboxRecord } from "../state/records.js";
import { type KubeletFigures, podRateName, type StatsSource } from "./stats-source.js";

type Source = Pick<StatsSource, "cgroupOf" | "podCgroupOf" | "read">;

/**
 * Figures of a pod: of its own cgroup where the kubelet made one, else the sum of its containers,
 * the pause container included.
 *
 * @param members Figures of its running containers.
 * @returns undefined for a pod whose sandbox does not run.
 */
export function readPod(
  sandbox: SandboxRecord,
  members: readonly KubeletFigures[],
  source: Source,
): KubeletFigures | undefined {
  const pause = source.cgroupOf(sandbox);
  if (pause === undefined) return undefined;
  const own = source.podCgroupOf(sandbox);
  if (own !== undefined) {
    const figures = source.read(podRateName(sandbox.id), own);
    if (figures !== undefined) return figures;
  }
  const first = source.read(sandbox.id, pause);
  if (first === undefined) return undefined;
  return sum(first, members);
}

/** Pressure is no sum of anything, so it is left out. */
function sum(first: KubeletFigures, others: readonly KubeletFigures[]): KubeletFigures {
  return others.reduce<KubeletFigures>(
    (total, one) => ({
      timestampNs: total.timestampNs,
      cpu: total.cpu && {
        ...total.cpu,
        usageNs: total.cpu.usageNs + (one.cpu?.usageNs ?? 0n),
      },
      nanoCores: plus(total.nanoCores, one.nanoCores),
      memory: total.memory && one.memory ? sumMemory(total.memory, one.memory) : total.memory,
      swap: total.swap && {
        ...total.swap,
        usageBytes: total.swap.usageBytes + (one.swap?.usageBytes ?? 0n),
      },
      pids: total.pids && { current: total.pids.current + (one.pids?.current ?? 0n) },
      pressure: undefined,
    }),
    { ...first, pressure: undefined },
  );
}

function sumMemory(one: MemoryUsage, two: MemoryUsage): MemoryUsage {
  return {
    usageBytes: one.usageBytes + two.usageBytes,
    workingSetBytes: one.workingSetBytes + two.workingSetBytes,
    // A pod of which one part has no limit has none: pause containers never have.
    availableBytes: undefined,
    limitBytes: undefined,
    rssBytes: plus(one.rssBytes, two.rssBytes),
    cacheBytes: plus(one.cacheBytes, two.cacheBytes),
    mappedFileBytes: plus(one.mappedFileBytes, two.mappedFileBytes),
    inactiveFileBytes: plus(one.inactiveFileBytes, two.inactiveFileBytes),
    pageFaults: plus(one.pageFaults, two.pageFaults),
    majorPageFaults: plus(one.majorPageFaults, two.majorPageFaults),
    ownPageFaults: plus(one.ownPageFaults, two.ownPageFaults),
    ownMajorPageFaults: plus(one.ownMajorPageFaults, two.ownMajorPageFaults),
  };
}

function plus(one: bigint | undefined, two: bigint | undefined): bigint | undefined {
  return one === undefined && two === undefined ? undefined : (one ?? 0n) + (two ?? 0n);
}
