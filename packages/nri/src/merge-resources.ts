import { clone, create } from "@bufbuild/protobuf";
import type { Owners } from "./field-owners.js";
import {
  Field,
  LinuxCPUSchema,
  LinuxMemorySchema,
  type LinuxResources,
  LinuxResourcesSchema,
} from "./gen/nri/pkg/api/v1alpha1/api_pb.js";

const memoryFields = {
  limit: Field.MemLimit,
  reservation: Field.MemReservation,
  swap: Field.MemSwapLimit,
  kernel: Field.MemKernelLimit,
  kernelTcp: Field.MemTCPLimit,
  swappiness: Field.MemSwappiness,
  disableOomKiller: Field.MemDisableOomKiller,
  useHierarchy: Field.MemUseHierarchy,
} as const;

const cpuFields = {
  shares: Field.CPUShares,
  quota: Field.CPUQuota,
  period: Field.CPUPeriod,
  realtimeRuntime: Field.CPURealtimeRuntime,
  realtimePeriod: Field.CPURealtimePeriod,
  cpus: Field.CPUSetCPUs,
  mems: Field.CPUSetMems,
} as const;

/**
 * Merges what one plugin wants of a container's resources into others' and the container's own.
 *
 * @param targets Changed: each gets what is wanted.
 * @throws NriError `conflict` when another plugin has set one of the fields; then nothing is changed.
 */
export function mergeResources(
  wanted: LinuxResources,
  targets: readonly LinuxResources[],
  owners: Owners,
  container: string,
  plugin: string,
): void {
  owners.together(() => claimResources(wanted, owners, container, plugin));
  for (const target of targets) setResources(clone(LinuxResourcesSchema, wanted), target);
}

function claimResources(
  wanted: LinuxResources,
  owners: Owners,
  container: string,
  plugin: string,
): void {
  const claim = (field: Field, entry?: string) => owners.claim(container, field, plugin, entry);
  for (const key of setKeys(memoryFields, wanted.memory)) claim(memoryFields[key]);
  for (const key of setKeys(cpuFields, wanted.cpu)) claim(cpuFields[key]);
  for (const { pageSize } of wanted.hugepageLimits) claim(Field.HugepageLimits, pageSize);
  for (const file of Object.keys(wanted.unified)) claim(Field.CgroupsUnified, file);
  if (wanted.blockioClass !== undefined) claim(Field.BlockioClass);
  if (wanted.rdtClass !== undefined) claim(Field.RdtClass);
  if (wanted.pids !== undefined) claim(Field.PidsLimit);
}

/** @param wanted Nobody else's: its parts go into the target. */
function setResources(wanted: LinuxResources, target: LinuxResources): void {
  target.memory ??= create(LinuxMemorySchema);
  target.cpu ??= create(LinuxCPUSchema);
  for (const key of setKeys(memoryFields, wanted.memory)) {
    Object.assign(target.memory, { [key]: wanted.memory?.[key] });
  }
  for (const key of setKeys(cpuFields, wanted.cpu)) {
    Object.assign(target.cpu, { [key]: wanted.cpu?.[key] });
  }
  const sizes = new Set(wanted.hugepageLimits.map(({ pageSize }) => pageSize));
  target.hugepageLimits = [
    ...target.hugepageLimits.filter(({ pageSize }) => !sizes.has(pageSize)),
    ...wanted.hugepageLimits,
  ];
  target.unified = { ...target.unified, ...wanted.unified };
  target.devices.push(...wanted.devices);
  if (wanted.blockioClass !== undefined) target.blockioClass = wanted.blockioClass;
  if (wanted.rdtClass !== undefined) target.rdtClass = wanted.rdtClass;
  if (wanted.pids !== undefined) target.pids = wanted.pids;
}

/** The fields that a message sets: cpus and mems are text, of which empty stands for absent. */
function setKeys<Fields extends Readonly<Record<string, Field>>>(
  fields: Fields,
  message: { readonly [Key in keyof Fields]?: unknown } | undefined,
): (keyof Fields)[] {
  return (Object.keys(fields) as (keyof Fields)[]).filter((key) => {
    const value = message?.[key];
    return value !== undefined && value !== "";
  });
}
