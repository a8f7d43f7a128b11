import type { LinuxContainerResources } from "@dockershim/cri-types";
import { PodSandboxError } from "./pod-sandbox-error.js";

declare const checked: unique symbol;

/** Limits that have passed `validateContainerResources`: nothing else makes them. */
export type ValidContainerResources = LinuxContainerResources & { readonly [checked]: true };

/** A number of Docker's JSON beyond this is rounded, and may then be none that Docker can read. */
const mostExact = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Checks limits of a container or a pod: nothing negative but −1 for “no limit” where the kernel
 * knows it, and every name a file name.
 *
 * @param field path of the resources in the request, for the error
 * @throws PodSandboxError `invalid_argument` naming the field
 */
export function validateContainerResources(
  resources: LinuxContainerResources | undefined,
  field = "linux",
): asserts resources is ValidContainerResources | undefined {
  if (resources === undefined) return;
  const refuse = (name: string, reason: string): never => {
    throw new PodSandboxError("invalid_argument", `${field}.${name}`, reason);
  };
  const least = (name: string, value: bigint, minimum: bigint) => {
    if (value < minimum) refuse(name, `must not be less than ${minimum}, but is ${value}`);
  };
  least("cpu_period", resources.cpuPeriod, 0n);
  least("cpu_quota", resources.cpuQuota, -1n);
  least("cpu_shares", resources.cpuShares, 0n);
  for (const [name, value] of [
    ["cpu_period", resources.cpuPeriod],
    ["cpu_quota", resources.cpuQuota],
    ["cpu_shares", resources.cpuShares],
  ] as const) {
    if (value > mostExact) refuse(name, `must not be more than ${mostExact}, but is ${value}`);
  }
  least("memory_limit_in_bytes", resources.memoryLimitInBytes, -1n);
  least("memory_swap_limit_in_bytes", resources.memorySwapLimitInBytes, -1n);
  const memory = resources.memoryLimitInBytes;
  const swap = resources.memorySwapLimitInBytes;
  if (memory > 0n && swap > 0n && swap < memory) {
    refuse(
      "memory_swap_limit_in_bytes",
      `is memory plus swap and must not be less than memory_limit_in_bytes (${memory})`,
    );
  }
  if (resources.oomScoreAdj < -1000n || resources.oomScoreAdj > 1000n) {
    refuse("oom_score_adj", `must be from -1000 to 1000, but is ${resources.oomScoreAdj}`);
  }
  for (const [name, value] of [
    ["cpuset_cpus", resources.cpusetCpus],
    ["cpuset_mems", resources.cpusetMems],
  ] as const) {
    if (!/^(\d+(-\d+)?(,\d+(-\d+)?)*)?$/.test(value)) {
      refuse(name, `${JSON.stringify(value)} is not a list like "0-3,7"`);
    }
  }
  for (const [index, { pageSize }] of resources.hugepageLimits.entries()) {
    if (!/^[1-9]\d*(KB|MB|GB)$/.test(pageSize)) {
      refuse(`hugepage_limits[${index}].page_size`, `${JSON.stringify(pageSize)} is no page size`);
    }
  }
  for (const key of Object.keys(resources.unified)) {
    // The key becomes a file name in the container's cgroup.
    if (!/^[a-z][a-z0-9_]*\.[A-Za-z0-9_.-]+$/.test(key)) {
      refuse("unified", `${JSON.stringify(key)} is no name of a cgroup v2 file`);
    }
  }
}
