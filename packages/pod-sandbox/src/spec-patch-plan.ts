import type { LinuxContainerResources, Mount } from "@dockershim/cri-types";
import type { CgroupWrite } from "./docker-create.js";
import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { isDefaultHandler } from "./runtime-handler.js";
import {
  cleanPath,
  joinSpecPatches,
  type OciMountMappings,
  type OciResources,
  type OciSpecPart,
  type SpecPatch,
  type UserNamespacePatch,
} from "./spec-patch.js";
import { toOciMappings } from "./user-namespace.js";

/** What a container's patch is planned from. */
export interface SpecPatchInput {
  mounts: readonly Mount[];
  resources: Pick<LinuxContainerResources, "hugepageLimits"> | undefined;
  /** Limits that are written once the container runs where its spec cannot have them. */
  cgroupWrites: readonly CgroupWrite[];
  /** What others than the CRI config want in the spec. */
  extra: SpecPatch | undefined;
  /** The user namespace that the container joins or makes. */
  userNamespace: UserNamespacePatch | undefined;
  /** Handler the sandbox was run with. */
  runtimeHandler: string;
  engine: EngineFacts;
}

/** A container whose spec is to be changed, and the runtime that lets us. */
export interface PatchedRuntime {
  patch: SpecPatch;
  /** `HostConfig.Runtime`. */
  runtime: string;
}

/**
 * Plans what goes into a container's OCI spec by way of the spec hook; most containers need nothing of it.
 *
 * Limits that could be written into the cgroup afterwards go into the spec where there is a hook, so that the process
 * never runs without them.
 *
 * @throws PodSandboxError naming the field that needs the hook where there is none
 */
export function planSpecPatch(input: SpecPatchInput): PatchedRuntime | undefined {
  const { mounts, extra, userNamespace } = input;
  const hook = specHookOf(input.runtimeHandler, input.engine);
  const mountOptions: Record<string, readonly string[]> = {};
  const mountMappings: Record<string, OciMountMappings> = {};
  for (const [index, mount] of mounts.entries()) {
    const field = `config.mounts[${index}]`;
    const { mountOptions: options, uidMappings, gidMappings } = mount;
    if (options.length > 0) {
      if ("problem" in hook) refuse(`${field}.mount_options`, hook.problem);
      mountOptions[cleanPath(mount.containerPath)] = options;
    }
    if (uidMappings.length > 0) {
      requireUserNamespaces(input, `${field}.uidMappings`);
      mountMappings[cleanPath(mount.containerPath)] = {
        uidMappings: toOciMappings(uidMappings),
        gidMappings: toOciMappings(gidMappings),
      };
    }
  }
  if (userNamespace !== undefined) {
    requireUserNamespaces(input, "config.linux.security_context.namespace_options.userns_options");
  }
  if ("problem" in hook) {
    if (extra !== undefined) refuse("config", hook.problem);
    return undefined;
  }
  const resources = limits(input);
  const own: SpecPatch = {
    ...(resources === undefined ? {} : { merge: { linux: { resources } } }),
    ...(Object.keys(mountOptions).length === 0 ? {} : { mountOptions }),
    ...(Object.keys(mountMappings).length === 0 ? {} : { mountMappings }),
    ...(userNamespace === undefined ? {} : { userNamespace }),
  };
  const patch = joinSpecPatches<SpecPatch | undefined>(own, extra) ?? own;
  requireKnownFields(patch, hook.ociVersion);
  return Object.keys(patch).length === 0 ? undefined : { patch, runtime: hook.runtime };
}

/** The hook of a container in a sandbox of that handler, or why there is none. */
export function specHookOf(
  runtimeHandler: string,
  engine: EngineFacts,
): NonNullable<EngineFacts["specHook"]> {
  if (!isDefaultHandler(runtimeHandler)) {
    return {
      problem: `runtime handler ${JSON.stringify(runtimeHandler)} has a runtime of its own`,
    };
  }
  return engine.specHook ?? { problem: "this node was not searched for one" };
}

/** Fields of a spec that runtimes have come to know by and by, and the version of the OCI runtime spec that has them. */
const laterFields: readonly [version: string, name: string, of: (part: OciSpecPart) => unknown][] =
  [
    ["1.1", "process.ioPriority", ({ process }) => process?.ioPriority],
    ["1.1", "process.scheduler", ({ process }) => process?.scheduler],
    ["1.1", "linux.timeOffsets", ({ linux }) => linux?.timeOffsets],
    ["1.3", "linux.intelRdt.schemata", ({ linux }) => linux?.intelRdt?.schemata],
    ["1.3", "linux.intelRdt.enableMonitoring", ({ linux }) => linux?.intelRdt?.enableMonitoring],
    ["1.3", "linux.memoryPolicy", ({ linux }) => linux?.memoryPolicy],
    ["1.3", "linux.netDevices", ({ linux }) => linux?.netDevices],
  ];

/** A runtime passes over what it does not know, without a word. */
function requireKnownFields({ merge = {} }: SpecPatch, known: string | undefined): void {
  for (const [version, name, of] of laterFields) {
    if (of(merge) === undefined || apiAtLeast(known ?? "", version)) continue;
    const has = known === undefined ? "does not tell what it knows" : `knows ${known}`;
    const reason = `${name} needs a runtime of OCI's specification ${version}; this one ${has}`;
    throw new PodSandboxError("unimplemented", "config", reason);
  }
}

/** What a node needs to map ids at all, beside the hook. */
function requireUserNamespaces({ runtimeHandler, engine }: SpecPatchInput, field: string): void {
  const hook = specHookOf(runtimeHandler, engine);
  if ("problem" in hook) refuse(field, hook.problem);
  const { userNamespaces } = engine;
  if (userNamespaces !== undefined && "possible" in userNamespaces) return;
  const problem = userNamespaces?.problem ?? "nobody looked whether it can";
  throw new PodSandboxError("unimplemented", field, `the node cannot map ids: ${problem}`);
}

function refuse(field: string, problem: string): never {
  const reason = `Docker's API has no field for it, and there is no spec hook: ${problem}`;
  throw new PodSandboxError("unimplemented", field, reason);
}

/**
 * Huge pages and files of cgroup v2. A limit of no huge pages is what the kubelet sends for every container: it alone is
 * no reason for a hook.
 */
function limits({ resources, cgroupWrites }: SpecPatchInput): OciResources | undefined {
  const hugepageLimits = (resources?.hugepageLimits ?? []).map(({ pageSize, limit }) => ({
    pageSize,
    limit: Number(limit),
  }));
  const files = cgroupWrites.filter(({ controller }) => controller !== "hugetlb");
  const unified = Object.fromEntries(files.map(({ file, value }) => [file, value]));
  // Beyond that, JSON's number would be another one: those are no limits, and are written afterwards.
  const exact = hugepageLimits.filter(({ limit }) => Number.isSafeInteger(limit));
  const limited = exact.some(({ limit }) => limit > 0);
  if (!limited && files.length === 0) return undefined;
  return {
    ...(limited ? { hugepageLimits: exact } : {}),
    ...(files.length > 0 ? { unified } : {}),
  };
}
