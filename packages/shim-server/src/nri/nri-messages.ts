import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ContainerSchema, LinuxResourcesSchema, PodSandboxSchema } from "@dockershim/nri";
import {
  type EngineFacts,
  parseTimestamp,
  sandboxConfigOf,
  sandboxRuntimeHandler,
  toNriResources,
} from "@dockershim/pod-sandbox";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import type { UnmanagedLimits } from "../state/unmanaged-limits.js";

/** A pod as NRI's plugins are told of it. */
export type NriPod = MessageInitShape<typeof PodSandboxSchema>;
/** A container as NRI's plugins are told of it. */
export type NriContainer = MessageInitShape<typeof ContainerSchema>;
/** Limits as NRI's plugins are told of them. */
export type NriLimits = MessageInitShape<typeof LinuxResourcesSchema>;

/** What NRI's plugins are told of a sandbox. */
export function toNriPod(
  { id, item, inspect }: SandboxRecord,
  addresses: readonly string[] | undefined,
): NriPod {
  const { HostConfig: host, State: state } = inspect;
  const config = sandboxConfigOf(inspect);
  const pid = state.Running ? state.Pid : 0;
  return {
    id,
    name: item.metadata?.name ?? "",
    uid: item.metadata?.uid ?? "",
    namespace: item.metadata?.namespace ?? "",
    labels: { ...item.labels },
    annotations: { ...item.annotations },
    runtimeHandler: sandboxRuntimeHandler(inspect),
    pid,
    ips: [...(addresses ?? [])],
    linux: {
      cgroupParent: host.CgroupParent ?? "",
      namespaces: pid === 0 ? [] : namespacesOf(pid),
      ...limitsAs("podOverhead", toNriResources(config?.linux?.overhead)),
      ...limitsAs("podResources", toNriResources(config?.linux?.resources)),
    },
  };
}

function limitsAs<Name extends string>(
  name: Name,
  limits: ReturnType<typeof toNriResources>,
): { [Key in Name]?: NriLimits } {
  return (limits === undefined ? {} : { [name]: limits }) as { [Key in Name]?: NriLimits };
}

/** Those that the containers of a pod can share: OCI's name of each, and the kernel's. */
const sharedNamespaces = { network: "net", ipc: "ipc", uts: "uts", pid: "pid" } as const;

function namespacesOf(pid: number): { type: string; path: string }[] {
  return Object.entries(sharedNamespaces).map(([type, file]) => ({
    type,
    path: `/proc/${pid}/ns/${file}`,
  }));
}

/**
 * What NRI's plugins are told of a container.
 *
 * @param unmanaged Its limits that Docker does not know of.
 */
export function toNriContainer(
  { id, sandboxId, item, inspect, user }: ContainerRecord,
  unmanaged: UnmanagedLimits,
  engine: Pick<EngineFacts, "cgroupDriver">,
): NriContainer {
  const { Config: config, HostConfig: host, State: state } = inspect;
  const { uid, gid, supplementalGroups } = user ?? {};
  return {
    id,
    podSandboxId: sandboxId,
    name: item.metadata?.name ?? "",
    state: stateOf(state.Status),
    labels: { ...item.labels },
    annotations: { ...item.annotations, ...host.Annotations },
    args: [inspect.Path, ...(inspect.Args ?? [])],
    env: [...(config.Env ?? [])],
    mounts: (inspect.Mounts ?? []).map(toNriMount),
    pid: state.Pid,
    rlimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
      type: `RLIMIT_${Name.toUpperCase()}`,
      soft: BigInt.asUintN(64, BigInt(Soft)),
      hard: BigInt.asUintN(64, BigInt(Hard)),
    })),
    createdAt: parseTimestamp(inspect.Created),
    startedAt: parseTimestamp(state.StartedAt),
    finishedAt: parseTimestamp(state.FinishedAt),
    exitCode: state.ExitCode,
    statusMessage: state.Error,
    image: { name: item.image?.image ?? config.Image, configDigest: inspect.Image },
    ...(uid === undefined || gid === undefined
      ? {}
      : { user: { uid, gid, additionalGids: [...(supplementalGroups ?? [])] } }),
    CDIDevices: (host.DeviceRequests ?? [])
      .filter(({ Driver }) => Driver === "cdi")
      .flatMap(({ DeviceIDs }) => (DeviceIDs ?? []).map((name) => ({ name }))),
    linux: {
      sysctl: { ...host.Sysctls },
      oomScoreAdj: { value: BigInt(host.OomScoreAdj ?? 0) },
      cgroupsPath: cgroupsPathOf(id, host.CgroupParent ?? "", engine),
      resources: limitsOf(host, unmanaged),
    },
  };
}

/** ContainerState of NRI's API. */
function stateOf(status: string): number {
  switch (status) {
    case "created":
      return 1;
    case "paused":
      return 2;
    case "running":
    case "restarting":
      return 3;
    default:
      return 4;
  }
}

function toNriMount(mount: NonNullable<ContainerRecord["inspect"]["Mounts"]>[number]) {
  const { Type: type, Source: source, Destination: destination, RW, Propagation } = mount;
  const options = [
    ...(type === "bind" ? ["rbind"] : []),
    RW ? "rw" : "ro",
    ...(Propagation === "" ? [] : [Propagation]),
  ];
  return { type, source, destination, options };
}

/** As Docker writes it into the OCI spec. */
function cgroupsPathOf(
  id: string,
  parent: string,
  { cgroupDriver }: Pick<EngineFacts, "cgroupDriver">,
): string {
  return cgroupDriver === "systemd"
    ? `${parent || "system.slice"}:docker:${id}`
    : `${parent || "/docker"}/${id}`;
}

function limitsOf(
  host: ContainerRecord["inspect"]["HostConfig"],
  { hugepageLimits, unified }: UnmanagedLimits,
): NriLimits {
  /** Docker's 0, and null, stand for what was not asked for. */
  const given = (value: number | null | undefined) =>
    value ? { value: BigInt(value) } : undefined;
  return {
    memory: present({
      limit: given(host.Memory),
      reservation: given(host.MemoryReservation),
      swap: given(host.MemorySwap),
    }),
    cpu: {
      cpus: host.CpusetCpus ?? "",
      mems: host.CpusetMems ?? "",
      ...present({
        shares: given(host.CpuShares),
        quota: given(host.CpuQuota),
        period: given(host.CpuPeriod),
        realtimeRuntime: given(host.CpuRealtimeRuntime),
        realtimePeriod: given(host.CpuRealtimePeriod),
      }),
    },
    hugepageLimits: hugepageLimits.map(({ pageSize, limit }) => ({ pageSize, limit })),
    unified: { ...unified },
    ...(host.PidsLimit ? { pids: { limit: BigInt(host.PidsLimit) } } : {}),
  };
}

/** Without what is undefined. */
function present<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };
}
