import { clone, create, equals } from "@bufbuild/protobuf";
import {
  CDIDeviceSchema,
  ContainerConfigSchema,
  LinuxContainerConfigSchema,
  LinuxContainerResourcesSchema,
} from "@dockershim/cri-types";
import { type ContainerPlan, type ContainerPlanInput, planContainer } from "./container-plan.js";
import type { CreateContainerBody, DeviceMapping, HostConfig } from "./docker-create.js";
import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import type { NriAdjustment, NriDevice, NriDeviceRule, NriRlimit } from "./nri-adjustment.js";
import { adjustMounts } from "./nri-mounts.js";
import { fromNriResources, type NriExtraLimits } from "./nri-resources.js";
import { nriSpecPatch } from "./nri-spec-patch.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { type AskedClasses, requireRdt } from "./resource-classes.js";
import { clampOomScoreAdj } from "./resources.js";
import { joinSpecPatches } from "./spec-patch.js";
import type { ValidContainerConfigs } from "./validate-container.js";

/** A device node of the host. */
export interface HostDevice {
  readonly type: "c" | "b";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const root = "nri.adjust";
const removal = "-";

/**
 * Plans an app container as NRI plugins want it: the plan of its config, with their adjustments in it.
 *
 * What Docker's API has no field for goes through the spec hook where there is one.
 *
 * @param hostDevices The host's device nodes, by the paths of the devices that are asked for.
 * @throws PodSandboxError naming the field of the adjustment, below `nri.adjust`, that this engine
 * cannot carry out
 */
export function planAdjustedContainer(
  input: ContainerPlanInput,
  adjust: NriAdjustment,
  hostDevices: ReadonlyMap<string, HostDevice>,
): ContainerPlan {
  const { engine } = input;
  const { linux } = adjust;
  if (linux !== undefined && linux.cgroupsPath !== "") {
    refuse("linux.cgroups_path", "the engine gives each container a cgroup of its own choice");
  }
  const { config, extra } = adjustedConfig(input, adjust);
  const { closId, schemata, enableMonitoring } = linux?.rdt ?? {};
  if ([closId, schemata, enableMonitoring].some((field) => field !== undefined)) {
    requireRdt(input.nodeClasses, `${root}.linux.rdt`);
  }
  const patch = nriSpecPatch(adjust, input.sandbox.runtimeHandler, engine, root);
  const specPatch = joinSpecPatches(input.specPatch, patch);
  const askedClasses = nriClasses(adjust);
  const plan = planContainer({ ...input, config, specPatch, askedClasses });
  const { body } = plan;
  const { HostConfig: host } = body;
  Object.assign(host, extra);
  adjustProcess(body, adjust);
  adjustAnnotations(host, adjust.annotations, engine);
  Object.assign(host, adjustMounts(host, adjust.mounts, engine, `${root}.mounts`));
  if (adjust.rlimits.length > 0) host.Ulimits = adjust.rlimits.map(toUlimit);
  adjustDevices(host, linux?.devices ?? [], hostDevices);
  const rules = linux?.resources?.devices ?? [];
  if (rules.length > 0) host.DeviceCgroupRules = rules.map(toCgroupRule);
  if (linux?.oomScoreAdj !== undefined) {
    host.OomScoreAdj = clampOomScoreAdj(Number(linux.oomScoreAdj.value), engine, plan.warnings);
  }
  for (const [key, value] of Object.entries(linux?.sysctl ?? {})) {
    host.Sysctls ??= {};
    if (key.startsWith(removal)) delete host.Sysctls[key.slice(1)];
    else host.Sysctls[key] = value;
  }
  if (linux?.seccompPolicy !== undefined) adjustSeccomp(host, linux.seccompPolicy, engine);
  return plan;
}

/** The classes of resources that plugins ask for. */
export function nriClasses({ linux }: Pick<NriAdjustment, "linux">): AskedClasses {
  const { blockioClass, rdtClass } = linux?.resources ?? {};
  const asked = (name: string | undefined, field: string) =>
    name === undefined ? undefined : { name, field: `${root}.linux.resources.${field}` };
  const blockIo = asked(blockioClass?.value, "blockio_class");
  const rdt = asked(rdtClass?.value, "rdt_class");
  return { ...(blockIo && { blockIo }), ...(rdt && { rdt }) };
}

function refuse(field: string, reason: string): never {
  throw new PodSandboxError("unimplemented", `${root}.${field}`, reason);
}

/** What CRI has fields for is planned, and told in a status, as if the kubelet had asked for it. */
function adjustedConfig(
  { config: asked }: ContainerPlanInput,
  { CDIDevices, linux }: NriAdjustment,
): { config: ValidContainerConfigs["config"]; extra: NriExtraLimits } {
  const config = clone(ContainerConfigSchema, asked);
  config.CDIDevices.push(...CDIDevices.map(({ name }) => create(CDIDeviceSchema, { name })));
  let extra: NriExtraLimits = {};
  if (linux?.resources !== undefined) {
    const before = config.linux?.resources ?? create(LinuxContainerResourcesSchema);
    const limits = fromNriResources(linux.resources, before, `${root}.linux.resources`);
    extra = limits.extra;
    if (!equals(LinuxContainerResourcesSchema, before, limits.resources)) {
      config.linux ??= create(LinuxContainerConfigSchema);
      config.linux.resources = limits.resources;
    }
  }
  // It was checked, and what was put into it has been too.
  return { config: config as ValidContainerConfigs["config"], extra };
}

function adjustProcess(body: CreateContainerBody, { env, args }: NriAdjustment): void {
  const [program, ...rest] = args;
  if (program !== undefined) {
    body.Entrypoint = [program];
    body.Cmd = rest;
  }
  const lines = new Map((body.Env ?? []).map((line) => [line.split("=", 1)[0] ?? "", line]));
  for (const { key, value } of env) {
    // A name alone takes the image's variable away.
    if (key.startsWith(removal)) lines.set(key.slice(1), key.slice(1));
    else lines.set(key, `${key}=${value}`);
  }
  if (lines.size > 0) body.Env = [...lines.values()];
}

function adjustAnnotations(
  host: HostConfig,
  annotations: NriAdjustment["annotations"],
  { apiVersion }: EngineFacts,
): void {
  const entries = Object.entries(annotations);
  if (entries.length === 0) return;
  if (!apiAtLeast(apiVersion, "1.43")) {
    refuse("annotations", `needs Docker 24 (API 1.43); this engine speaks API ${apiVersion}`);
  }
  const all = new Map(Object.entries(host.Annotations ?? {}));
  for (const [key, value] of entries) {
    if (key.startsWith(removal)) all.delete(key.slice(1));
    else all.set(key, value);
  }
  host.Annotations = Object.fromEntries(all);
}

/** RLIMIT_NOFILE is `nofile` to Docker, and no limit −1. */
function toUlimit({ type, soft, hard }: NriRlimit): NonNullable<HostConfig["Ulimits"]>[number] {
  const limit = (value: bigint): number => {
    if (value >= 2n ** 63n) return -1;
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      refuse(`rlimits[${type}]`, `Docker's API rounds ${value}`);
    }
    return Number(value);
  };
  return {
    Name: type.replace(/^RLIMIT_/, "").toLowerCase(),
    Soft: limit(soft),
    Hard: limit(hard),
  };
}

function adjustDevices(
  host: HostConfig,
  devices: readonly NriDevice[],
  hostDevices: ReadonlyMap<string, HostDevice>,
): void {
  for (const device of devices) {
    const removed = device.path.startsWith(removal);
    const path = removed ? device.path.slice(1) : device.path;
    const others = (host.Devices ?? []).filter(({ PathInContainer }) => PathInContainer !== path);
    host.Devices = removed ? others : [...others, toMapping(device, hostDevices.get(path))];
  }
}

/** Docker makes a device node a copy of the host's, with its owner and mode. */
function toMapping(device: NriDevice, onHost: HostDevice | undefined): DeviceMapping {
  const field = `linux.devices[${device.path}]`;
  const { type, major, minor } = device;
  if (
    onHost === undefined ||
    onHost.type !== type ||
    BigInt(onHost.major) !== major ||
    BigInt(onHost.minor) !== minor
  ) {
    refuse(field, `Docker copies the host's nodes, and it has no ${type} ${major}:${minor} there`);
  }
  for (const [name, asked, has] of [
    ["file_mode", device.fileMode && device.fileMode.value & 0o777, onHost.mode],
    ["uid", device.uid?.value, onHost.uid],
    ["gid", device.gid?.value, onHost.gid],
  ] as const) {
    if (asked === undefined || asked === has) continue;
    refuse(
      `${field}.${name}`,
      `Docker copies the host's node, which has ${has} instead of ${asked}`,
    );
  }
  return { PathOnHost: device.path, PathInContainer: device.path, CgroupPermissions: "rwm" };
}

function toCgroupRule({ allow, type, major, minor, access }: NriDeviceRule): string {
  if (!allow) refuse("linux.resources.devices", "Docker's API can allow devices, and deny none");
  return `${type} ${major?.value ?? "*"}:${minor?.value ?? "*"} ${access}`;
}

/** The profile takes the place of any other; the names of its fields are OCI's. */
function adjustSeccomp(
  host: HostConfig,
  policy: NonNullable<NonNullable<NriAdjustment["linux"]>["seccompPolicy"]>,
  { seccomp }: EngineFacts,
): void {
  if (!seccomp) refuse("linux.seccomp_policy", "the engine's kernel has no seccomp");
  if (host.Privileged) refuse("linux.seccomp_policy", "the container is privileged");
  const exact = (value: bigint): number => {
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
    return refuse("linux.seccomp_policy", `Docker's API rounds ${value}`);
  };
  const profile = {
    defaultAction: policy.defaultAction,
    ...(policy.defaultErrno && { defaultErrnoRet: policy.defaultErrno.value }),
    architectures: policy.architectures,
    flags: policy.flags,
    ...(policy.listenerPath !== "" && { listenerPath: policy.listenerPath }),
    ...(policy.listenerMetadata !== "" && { listenerMetadata: policy.listenerMetadata }),
    syscalls: policy.syscalls.map(({ names, action, errnoRet, args }) => ({
      names,
      action,
      ...(errnoRet && { errnoRet: errnoRet.value }),
      args: args.map(({ index, value, valueTwo, op }) => ({
        index,
        value: exact(value),
        valueTwo: exact(valueTwo),
        op,
      })),
    })),
  };
  const others = (host.SecurityOpt ?? []).filter((option) => !option.startsWith("seccomp="));
  host.SecurityOpt = [...others, `seccomp=${JSON.stringify(profile)}`];
}
