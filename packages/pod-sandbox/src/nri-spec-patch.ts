import type { EngineFacts } from "./engine-facts.js";
import type { NriAdjustment, NriHook, NriMemoryPolicy, NriScheduler } from "./nri-adjustment.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import type {
  OciHook,
  OciMemoryPolicy,
  OciScheduler,
  OciSpecPart,
  SpecPatch,
} from "./spec-patch.js";
import { specHookOf } from "./spec-patch-plan.js";

const ioClasses = [undefined, "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"];

const policies = [
  undefined,
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_ISO",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
];

const memoryModes = [
  "MPOL_DEFAULT",
  "MPOL_PREFERRED",
  "MPOL_BIND",
  "MPOL_INTERLEAVE",
  "MPOL_LOCAL",
  "MPOL_PREFERRED_MANY",
  "MPOL_WEIGHTED_INTERLEAVE",
];

const memoryFlags = ["MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES", "MPOL_F_NUMA_BALANCING"];

const schedulerFlags = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
];

/**
 * What of an adjustment only an OCI spec can carry.
 *
 * @returns undefined where there is nothing of that kind
 * @throws PodSandboxError naming the field, where there is no spec hook or the hook cannot carry it
 */
export function nriSpecPatch(
  { hooks, linux }: NriAdjustment,
  runtimeHandler: string,
  engine: EngineFacts,
  root: string,
): SpecPatch | undefined {
  const hook = specHookOf(runtimeHandler, engine);
  const wants = (field: string): void => {
    if (!("problem" in hook)) return;
    const reason = `Docker's API has no field for it, and there is no spec hook: ${hook.problem}`;
    throw new PodSandboxError("unimplemented", `${root}.${field}`, reason);
  };
  const merge: OciSpecPart = {};
  const moments = Object.entries(hooks ?? {}).filter(
    (entry): entry is [keyof NonNullable<typeof hooks>, readonly NriHook[]] =>
      Array.isArray(entry[1]) && entry[1].length > 0,
  );
  if (moments.length > 0) {
    wants("hooks");
    merge.hooks = Object.fromEntries(moments.map(([moment, all]) => [moment, all.map(toOciHook)]));
  }
  const { ioPriority, scheduler, namespaces = [], netDevices = {}, rdt } = linux ?? {};
  const ioClass = ioClasses[ioPriority?.class ?? 0];
  if (ioPriority !== undefined && ioClass !== undefined) {
    wants("linux.io_priority");
    merge.process = { ioPriority: { class: ioClass, priority: ioPriority.priority } };
  }
  if (scheduler !== undefined && scheduler.policy !== 0) {
    wants("linux.scheduler");
    merge.process = { ...merge.process, scheduler: toOciScheduler(scheduler) };
  }
  if (linux?.memoryPolicy !== undefined) {
    wants("linux.memory_policy");
    merge.linux = { ...merge.linux, memoryPolicy: toOciMemoryPolicy(linux.memoryPolicy) };
  }
  if (namespaces.length > 0) {
    wants("linux.namespaces");
    const removed = namespaces.find(({ type }) => type.startsWith("-"));
    if (removed !== undefined) {
      const reason = `the pod's own cannot be removed: ${removed.type}`;
      throw new PodSandboxError("unimplemented", `${root}.linux.namespaces`, reason);
    }
    const entries = namespaces.map(({ type, path }) => ({
      type,
      ...(path === "" ? {} : { path }),
    }));
    merge.linux = { ...merge.linux, namespaces: entries };
  }
  const devices = Object.entries(netDevices).filter(([key]) => !key.startsWith("-"));
  if (devices.length > 0) {
    wants("linux.net_devices");
    merge.linux = {
      ...merge.linux,
      netDevices: Object.fromEntries(
        devices.map(([key, device]) => [key, { name: device?.name ?? key }]),
      ),
    };
  }
  const intelRdt = {
    ...(rdt?.closId && { closID: rdt.closId.value }),
    ...(rdt?.schemata && { schemata: rdt.schemata.value }),
    ...(rdt?.enableMonitoring && { enableMonitoring: rdt.enableMonitoring.value }),
  };
  if (Object.keys(intelRdt).length > 0) {
    wants("linux.rdt");
    merge.linux = { ...merge.linux, intelRdt };
  }
  return Object.keys(merge).length === 0 ? undefined : { merge };
}

function toOciHook({ path, args, env, timeout }: NriHook): OciHook {
  return {
    path,
    ...(args.length > 0 ? { args } : {}),
    ...(env.length > 0 ? { env } : {}),
    ...(timeout === undefined ? {} : { timeout: Number(timeout.value) }),
  };
}

function toOciScheduler(scheduler: NriScheduler): OciScheduler {
  const { policy, nice, priority, flags, runtime, deadline, period } = scheduler;
  const names = flags.flatMap((flag) => schedulerFlags[flag] ?? []);
  return {
    policy: policies[policy] ?? "",
    ...(nice === 0 ? {} : { nice }),
    ...(priority === 0 ? {} : { priority }),
    ...(names.length > 0 ? { flags: names } : {}),
    ...(runtime === 0n ? {} : { runtime: Number(runtime) }),
    ...(deadline === 0n ? {} : { deadline: Number(deadline) }),
    ...(period === 0n ? {} : { period: Number(period) }),
  };
}

function toOciMemoryPolicy({ mode, nodes, flags }: NriMemoryPolicy): OciMemoryPolicy {
  const names = flags.map((flag) => memoryFlags[flag] ?? String(flag));
  return {
    mode: memoryModes[mode] ?? String(mode),
    nodes,
    ...(names.length === 0 ? {} : { flags: names }),
  };
}
