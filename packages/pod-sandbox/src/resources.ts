import type { LinuxContainerResources } from "@dockershim/cri-types";
import { forNewCgroup, hugepageWrites, planUnified } from "./cgroup-writes.js";
import type { CgroupWrite, HostConfig, UpdateContainerBody } from "./docker-create.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import type { ValidContainerResources } from "./validate-resources.js";

/**
 * What the kernel reads as no memory limit: the greatest number of whole pages in an int64.
 * Docker refuses −1 for `Memory`, and this one survives a round trip through a JSON number.
 */
export const UNLIMITED_MEMORY: number = 2 ** 63 - 4096;

/** The resource fields of Docker's `HostConfig`. */
export type ResourceFields = UpdateContainerBody & Pick<HostConfig, "OomScoreAdj">;

/** Limits of a container to create. */
export interface ResourcePlan {
  fields: ResourceFields;
  cgroupWrites: CgroupWrite[];
  warnings: string[];
}

/**
 * Plans the limits of a new container. CRI's 0 or empty means “not specified”, and so does −1
 * for memory here, since a new container has no limit to lift.
 *
 * Swap: Docker would grant as much swap as memory where `MemorySwap` is left out. Kubernetes'
 * default is none, so it is set equal to the memory limit (as dockershim did), unless CRI gives
 * `memory_swap_limit_in_bytes` (memory plus swap) or `memory.swap.max`.
 *
 * @throws PodSandboxError naming the field
 */
export function planResources(
  resources: ValidContainerResources | undefined,
  engine: EngineFacts,
  field = "config.linux.resources",
): ResourcePlan {
  if (resources === undefined) return { fields: {}, cgroupWrites: [], warnings: [] };
  const warnings: string[] = [];
  const memory = resources.memoryLimitInBytes;
  if (memory <= 0n && resources.memorySwapLimitInBytes > 0n) {
    throw new PodSandboxError(
      "invalid_argument",
      `${field}.memory_swap_limit_in_bytes`,
      "needs memory_limit_in_bytes, of which it is the sum with swap",
    );
  }
  const unified = planUnified(resources.unified, memory > 0n, engine, `${field}.unified`);
  const fields: ResourceFields = {
    ...cpuFields(resources),
    ...(memory > 0n ? memoryFields(resources, unified.swapMax) : {}),
    ...(unified.pidsLimit !== undefined ? { PidsLimit: unified.pidsLimit } : {}),
  };
  if (resources.oomScoreAdj !== 0n) {
    fields.OomScoreAdj = clampOomScoreAdj(Number(resources.oomScoreAdj), engine, warnings);
  }
  return {
    fields,
    cgroupWrites: [
      ...hugepageWrites(resources.hugepageLimits, engine),
      ...forNewCgroup(unified.writes),
    ],
    warnings,
  };
}

/** What `planUpdate` needs to know. */
export interface UpdatePlanInput {
  resources: ValidContainerResources;
  engine: EngineFacts;
  /** The container's present `OomScoreAdj`, which Docker cannot change. */
  current?: { OomScoreAdj?: number | null | undefined } | null | undefined;
}

/** A change of limits: plain data for `POST /containers/{id}/update`. */
export interface UpdatePlan {
  body: UpdateContainerBody;
  cgroupWrites: CgroupWrite[];
  warnings: string[];
}

/**
 * Plans UpdateContainerResources. What CRI leaves at 0 or empty stays as it is. A memory limit
 * of −1 lifts the limit. Swap follows memory as it does at creation. A container's
 * oom_score_adj cannot be changed through Docker: a different one is only warned about.
 *
 * @throws PodSandboxError naming the field
 */
export function planUpdate(input: UpdatePlanInput): UpdatePlan {
  const { resources, engine, current } = input;
  const warnings: string[] = [];
  const memory = resources.memoryLimitInBytes;
  const unified = planUnified(resources.unified, memory > 0n, engine, "linux.unified");
  const body: UpdateContainerBody = {
    ...cpuFields(resources),
    ...updatedMemory(resources, unified.swapMax),
    ...(unified.pidsLimit !== undefined ? { PidsLimit: unified.pidsLimit } : {}),
  };
  const asked = Number(resources.oomScoreAdj);
  const present = current?.OomScoreAdj;
  if (asked !== 0 && present != null && Math.max(asked, engine.minOomScoreAdj) !== present) {
    warnings.push(`oom_score_adj stays ${present}: Docker cannot change it to ${asked}.`);
  }
  return {
    body,
    cgroupWrites: [...hugepageWrites(resources.hugepageLimits, engine), ...unified.writes],
    warnings,
  };
}

/**
 * Raises an oom_score_adj to what the engine may set. An engine without CAP_SYS_RESOURCE cannot
 * go below its own value, and every container that asks would fail to start.
 */
export function clampOomScoreAdj(value: number, engine: EngineFacts, warnings: string[]): number {
  if (value >= engine.minOomScoreAdj) return value;
  warnings.push(
    `oom_score_adj ${value} is raised to ${engine.minOomScoreAdj}, the lowest the engine may set.`,
  );
  return engine.minOomScoreAdj;
}

function cpuFields(resources: LinuxContainerResources): UpdateContainerBody {
  const { cpuShares, cpuPeriod, cpuQuota, cpusetCpus, cpusetMems } = resources;
  return {
    ...(cpuShares !== 0n ? { CpuShares: Number(cpuShares) } : {}),
    ...(cpuPeriod !== 0n ? { CpuPeriod: Number(cpuPeriod) } : {}),
    ...(cpuQuota !== 0n ? { CpuQuota: Number(cpuQuota) } : {}),
    ...(cpusetCpus !== "" ? { CpusetCpus: cpusetCpus } : {}),
    ...(cpusetMems !== "" ? { CpusetMems: cpusetMems } : {}),
  };
}

function memoryFields(
  resources: LinuxContainerResources,
  swapMax: number | undefined,
): Pick<UpdateContainerBody, "Memory" | "MemorySwap"> {
  const memory = bytes(resources.memoryLimitInBytes);
  const swap = resources.memorySwapLimitInBytes;
  // Files win over fields, as they do in runc: unified is applied last.
  if (swapMax !== undefined) {
    return { Memory: memory, MemorySwap: swapMax === -1 ? -1 : memory + swapMax };
  }
  if (swap === -1n) return { Memory: memory, MemorySwap: -1 };
  return { Memory: memory, MemorySwap: swap > 0n ? bytes(swap) : memory };
}

function updatedMemory(
  resources: LinuxContainerResources,
  swapMax: number | undefined,
): Pick<UpdateContainerBody, "Memory" | "MemorySwap"> {
  const memory = resources.memoryLimitInBytes;
  const swap = resources.memorySwapLimitInBytes;
  if (memory > 0n) return memoryFields(resources, swapMax);
  // Lifted together: on cgroup v1 memory may not exceed memory plus swap.
  if (memory === -1n) return { Memory: UNLIMITED_MEMORY, MemorySwap: UNLIMITED_MEMORY };
  if (swap > 0n) return { MemorySwap: bytes(swap) };
  return swap === -1n ? { MemorySwap: -1 } : {};
}

function bytes(value: bigint): number {
  return Math.min(Number(value), UNLIMITED_MEMORY);
}
