import { clone, create } from "@bufbuild/protobuf";
import { type LinuxContainerResources, LinuxContainerResourcesSchema } from "@dockershim/cri-types";
import type { HostConfig, UpdateContainerBody } from "./docker-create.js";
import type { NriOptional, NriResources } from "./nri-adjustment.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { type ValidContainerResources, validateContainerResources } from "./validate-resources.js";

/** Limits of NRI that CRI has no field for, as Docker takes them. */
export type NriExtraLimits = Pick<
  HostConfig,
  | "MemoryReservation"
  | "MemorySwappiness"
  | "OomKillDisable"
  | "CpuRealtimePeriod"
  | "CpuRealtimeRuntime"
  | "PidsLimit"
>;

/** Limits that a plugin wants, divided by who has a field for them. */
export interface NriLimits {
  readonly resources: ValidContainerResources;
  readonly extra: NriExtraLimits;
}

/**
 * Divides what a plugin wants of a container's resources; classes are `nriClasses`' subject.
 *
 * @param base What it has otherwise, or what else is to change.
 * @param field Path of the resources, for errors.
 * @throws PodSandboxError `unimplemented` naming a field that Docker's API cannot carry
 */
export function fromNriResources(
  wanted: NriResources,
  base: LinuxContainerResources | undefined,
  field: string,
): NriLimits {
  const { memory, cpu } = wanted;
  const refused: readonly (readonly [name: string, asked: boolean])[] = [
    ["memory.kernel", memory?.kernel !== undefined],
    ["memory.kernel_tcp", memory?.kernelTcp !== undefined],
    ["memory.use_hierarchy", memory?.useHierarchy !== undefined],
  ];
  for (const [name, asked] of refused) {
    if (!asked) continue;
    const reason = "an NRI plugin wants it, and Docker's API has no field for it";
    throw new PodSandboxError("unimplemented", `${field}.${name}`, reason);
  }
  const resources =
    base === undefined
      ? create(LinuxContainerResourcesSchema)
      : clone(LinuxContainerResourcesSchema, base);
  const set = <Key extends keyof LinuxContainerResources>(
    key: Key,
    value: NriOptional<LinuxContainerResources[Key]>,
  ): void => {
    if (value !== undefined) resources[key] = value.value;
  };
  set("memoryLimitInBytes", memory?.limit);
  set("memorySwapLimitInBytes", memory?.swap);
  set("cpuShares", cpu?.shares);
  set("cpuQuota", cpu?.quota);
  set("cpuPeriod", cpu?.period);
  if (cpu?.cpus) resources.cpusetCpus = cpu.cpus;
  if (cpu?.mems) resources.cpusetMems = cpu.mems;
  const sizes = new Set(wanted.hugepageLimits.map(({ pageSize }) => pageSize));
  const asked = create(LinuxContainerResourcesSchema, {
    hugepageLimits: wanted.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit })),
  });
  resources.hugepageLimits = [
    ...resources.hugepageLimits.filter(({ pageSize }) => !sizes.has(pageSize)),
    ...asked.hugepageLimits,
  ];
  resources.unified = { ...resources.unified, ...wanted.unified };
  validateContainerResources(resources, field);
  return { resources, extra: extraLimits(wanted, field) };
}

/**
 * What a plugin wants of a container that exists; see {@link fromNriResources}.
 *
 * @throws PodSandboxError `unimplemented` also for what Docker can only give at creation
 */
export function fromNriUpdate(
  wanted: NriResources,
  base: LinuxContainerResources | undefined,
  field: string,
): { resources: ValidContainerResources; extra: UpdateContainerBody } {
  const { resources, extra } = fromNriResources(wanted, base, field);
  const { MemorySwappiness, OomKillDisable, ...changeable } = extra;
  for (const [name, asked] of [
    ["memory.swappiness", MemorySwappiness !== undefined],
    ["memory.disable_oom_killer", OomKillDisable !== undefined],
    ["devices", wanted.devices.length > 0],
    ["blockio_class", (wanted.blockioClass?.value ?? "") !== ""],
    ["rdt_class", (wanted.rdtClass?.value ?? "") !== ""],
  ] as const) {
    if (!asked) continue;
    const reason =
      "an NRI plugin wants it, and Docker's API cannot change it in a container that exists";
    throw new PodSandboxError("unimplemented", `${field}.${name}`, reason);
  }
  return { resources, extra: changeable };
}

function extraLimits({ memory, cpu, pids }: NriResources, field: string): NriExtraLimits {
  const exact = (name: string, value: bigint): number => {
    if (value < -1n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new PodSandboxError("invalid_argument", `${field}.${name}`, `${value} is no limit`);
    }
    return Number(value);
  };
  const limits: NriExtraLimits = {};
  if (memory?.reservation) {
    limits.MemoryReservation = exact("memory.reservation", memory.reservation.value);
  }
  if (memory?.swappiness) {
    limits.MemorySwappiness = exact("memory.swappiness", memory.swappiness.value);
  }
  if (memory?.disableOomKiller) limits.OomKillDisable = memory.disableOomKiller.value;
  if (cpu?.realtimePeriod) {
    limits.CpuRealtimePeriod = exact("cpu.realtime_period", cpu.realtimePeriod.value);
  }
  if (cpu?.realtimeRuntime) {
    limits.CpuRealtimeRuntime = exact("cpu.realtime_runtime", cpu.realtimeRuntime.value);
  }
  if (pids) limits.PidsLimit = exact("pids.limit", pids.limit);
  return limits;
}

/** CRI's limits as NRI has them: what CRI calls “not specified” is absent. */
export function toNriResources(
  resources: LinuxContainerResources | undefined,
): NriResources | undefined {
  if (resources === undefined) return undefined;
  const given = (value: bigint): { value: bigint } | undefined =>
    value === 0n ? undefined : { value };
  return {
    memory: {
      limit: given(resources.memoryLimitInBytes),
      swap: given(resources.memorySwapLimitInBytes),
    },
    cpu: {
      shares: given(resources.cpuShares),
      quota: given(resources.cpuQuota),
      period: given(resources.cpuPeriod),
      cpus: resources.cpusetCpus,
      mems: resources.cpusetMems,
    },
    hugepageLimits: resources.hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit })),
    unified: { ...resources.unified },
    devices: [],
  };
}
