import type { HugepageLimit } from "@dockershim/cri-types";
import type { CgroupWrite } from "./docker-create.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/**
 * Writes for CRI's hugepage limits, for which Docker has no option. The kubelet sends a limit of
 * 0 for every page size of the node, so a 0 is no reason to fail where hugetlb is missing.
 */
export function hugepageWrites(
  limits: readonly HugepageLimit[],
  engine: EngineFacts,
): CgroupWrite[] {
  const suffix = engine.cgroupVersion === 2 ? "max" : "limit_in_bytes";
  return limits.map(({ pageSize, limit }) => ({
    controller: "hugetlb",
    file: `hugetlb.${pageSize}.${suffix}`,
    value: limit.toString(),
    required: limit > 0n,
  }));
}

/** What of `unified` has a Docker option of its own, and what must be written. */
export interface UnifiedPlan {
  pidsLimit?: number;
  /** Bytes of swap on top of memory; −1 for no limit. */
  swapMax?: number;
  writes: CgroupWrite[];
}

/** What the kernel gives a new cgroup, and a kubelet with MemoryQoS names for each container. */
const kernelDefaults: ReadonlyMap<string, string> = new Map([
  ["memory.min", "0"],
  ["memory.low", "0"],
  ["memory.high", "max"],
  ["memory.oom.group", "0"],
]);

/** Leaves out what a new cgroup has anyway. A container that already runs may have something else. */
export function forNewCgroup(writes: readonly CgroupWrite[]): CgroupWrite[] {
  return writes.filter(({ file, value }) => kernelDefaults.get(file) !== value);
}

/**
 * Sorts CRI's `unified` map: `pids.max` and `memory.swap.max` (where a memory limit goes with it)
 * become Docker options, so that Docker's own record agrees with the cgroup.
 *
 * @param hasMemoryLimit whether the same request sets a memory limit
 * @throws PodSandboxError `failed_precondition` on cgroup v1, which has no such files
 */
export function planUnified(
  unified: Readonly<Record<string, string>>,
  hasMemoryLimit: boolean,
  engine: EngineFacts,
  field: string,
): UnifiedPlan {
  const entries = Object.entries(unified);
  if (entries.length > 0 && engine.cgroupVersion !== 2) {
    throw new PodSandboxError("failed_precondition", field, "needs cgroup v2; this node has v1");
  }
  const plan: UnifiedPlan = { writes: [] };
  for (const [file, value] of entries) {
    const number = value === "max" ? -1 : /^\d{1,15}$/.test(value) ? Number(value) : undefined;
    if (file === "pids.max" && number !== undefined) {
      plan.pidsLimit = number;
    } else if (file === "memory.swap.max" && number !== undefined && hasMemoryLimit) {
      plan.swapMax = number;
    } else {
      const controller = file.slice(0, file.indexOf("."));
      plan.writes.push({ controller, file, value, required: true });
    }
  }
  return plan;
}
