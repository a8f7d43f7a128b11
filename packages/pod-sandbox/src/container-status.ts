import { clone, create } from "@bufbuild/protobuf";
import {
  type Container,
  type ContainerConfig,
  ContainerConfigSchema,
  ContainerMetadataSchema,
  ContainerResourcesSchema,
  ContainerSchema,
  type ContainerStatus,
  ContainerStatusSchema,
  ContainerUserSchema,
  type ImageSpec,
  ImageSpecSchema,
  type LinuxContainerResources,
  LinuxContainerResourcesSchema,
  LinuxContainerUserSchema,
  type Mount,
  MountSchema,
} from "@dockershim/cri-types";
import { containerLife } from "./container-state.js";
import type { InspectedContainer, InspectedImage } from "./docker-inspect.js";
import { imageNameOf } from "./image.js";
import { fromDockerLabels, LOG_PATH_LABEL, SANDBOX_ID_LABEL } from "./labels.js";
import { fromDockerPropagation } from "./mounts.js";
import { parseContainerName } from "./names.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { type ContainerRecord, readContainerRecord } from "./record.js";
import { UNLIMITED_MEMORY } from "./resources.js";
import { fromDockerSignal } from "./signals.js";

/** Everything a container's status is made of. */
export interface ContainerFacts {
  inspect: InspectedContainer;
  /** The container's image, where the engine still has it. */
  image?: Pick<InspectedImage, "Id" | "RepoTags" | "RepoDigests"> | undefined;
  /** Identity of the running process, read from /proc/<pid>/status. */
  user?: { uid: number; gid: number; supplementalGroups: readonly number[] } | undefined;
  /** Hugepage limits and unified files as last written, where an update changed them. */
  written?: Partial<Pick<LinuxContainerResources, "hugepageLimits" | "unified">> | undefined;
}

/**
 * CRI's list entry of a container.
 *
 * @throws PodSandboxError where the container is none of a pod
 */
export function toContainer(facts: ContainerFacts): Container {
  const { inspect } = facts;
  const record = requireRecord(inspect);
  const { metadata, labels, annotations } = record.config;
  const life = containerLife(inspect);
  const entry = create(ContainerSchema, {
    id: inspect.Id,
    podSandboxId: sandboxIdOf(inspect),
    image: imageSpec(record, facts),
    imageRef: imageRef(record, facts),
    imageId: inspect.Image,
    state: life.state,
    createdAt: life.createdAt,
    labels,
    annotations,
  });
  if (metadata !== undefined) entry.metadata = metadata;
  return entry;
}

/**
 * CRI's status of a container.
 *
 * @throws PodSandboxError where the container is none of a pod
 */
export function toContainerStatus(facts: ContainerFacts): ContainerStatus {
  const { inspect, user } = facts;
  const record = requireRecord(inspect);
  const { metadata, labels, annotations, mounts } = record.config;
  const status = create(ContainerStatusSchema, {
    ...containerLife(inspect),
    id: inspect.Id,
    image: imageSpec(record, facts),
    imageRef: imageRef(record, facts),
    imageId: inspect.Image,
    labels,
    annotations,
    mounts: mounts.map((mount) => withEngineChoice(mount, inspect)),
    logPath: logPathOf(inspect),
    resources: create(ContainerResourcesSchema, { linux: linuxResources(record, facts) }),
    stopSignal: fromDockerSignal(inspect.Config.StopSignal ?? ""),
  });
  if (metadata !== undefined) status.metadata = metadata;
  if (user !== undefined) {
    const linux = create(LinuxContainerUserSchema, {
      uid: BigInt(user.uid),
      gid: BigInt(user.gid),
      supplementalGroups: user.supplementalGroups.map(BigInt),
    });
    status.user = create(ContainerUserSchema, { linux });
  }
  return status;
}

/** Docker id of a container's sandbox; empty where its label is missing. */
export function sandboxIdOf(inspect: Pick<InspectedContainer, "Config">): string {
  return inspect.Config.Labels?.[SANDBOX_ID_LABEL] ?? "";
}

/** Absolute path of the log file that CRI asked for; empty where it wants none. */
export function logPathOf(inspect: Pick<InspectedContainer, "Config">): string {
  return inspect.Config.Labels?.[LOG_PATH_LABEL] ?? "";
}

function requireRecord(inspect: InspectedContainer): ContainerRecord {
  const recorded = readContainerRecord(inspect);
  if (recorded !== undefined) return recorded;
  const name = parseContainerName(inspect.Name);
  if (name === undefined) {
    const reason = `container ${inspect.Id} (${inspect.Name}) is none of a pod`;
    throw new PodSandboxError("invalid_argument", "container_id", reason);
  }
  const config: ContainerConfig = create(ContainerConfigSchema, {
    ...fromDockerLabels(inspect.Config.Labels ?? {}),
    metadata: create(ContainerMetadataSchema, name.container),
    image: create(ImageSpecSchema, { image: inspect.Config.Image ?? "" }),
    mounts: inspectedMounts(inspect),
  });
  return { config, imageRef: undefined };
}

/**
 * A mount as it was asked for, with the propagation that the engine gave it: a private one of a
 * folder that holds the engine's data root it makes a slave.
 */
function withEngineChoice(asked: Mount, inspect: InspectedContainer): Mount {
  const made = inspect.Mounts?.find(
    ({ Type, Destination }) => Type === "bind" && Destination === asked.containerPath,
  );
  if (!made?.Propagation) return asked;
  const propagation = fromDockerPropagation(made.Propagation);
  return propagation === asked.propagation ? asked : { ...asked, propagation };
}

// For containers of another shim. Docker knows nothing of relabelling or recursion.
function inspectedMounts(inspect: InspectedContainer): Mount[] {
  return (inspect.Mounts ?? [])
    .filter(({ Type, Source }) => Type !== "tmpfs" && (Source ?? "") !== "")
    .map(({ Source = "", Destination, RW, Propagation }) =>
      create(MountSchema, {
        hostPath: Source,
        containerPath: Destination,
        readonly: RW === false,
        propagation: fromDockerPropagation(Propagation),
      }),
    );
}

function imageSpec(record: ContainerRecord, facts: ContainerFacts): ImageSpec {
  const asked = record.config.image ?? create(ImageSpecSchema);
  const spec = clone(ImageSpecSchema, asked);
  spec.image = imageNameOf(asked.image, asked.userSpecifiedImage, facts.image);
  return spec;
}

/** By digest, which the kubelet shows as a container's imageID. Older records have the image's id instead. */
function imageRef({ imageRef: recorded }: ContainerRecord, facts: ContainerFacts): string {
  if (recorded?.includes("@")) return recorded;
  return facts.image?.RepoDigests?.[0] ?? recorded ?? facts.inspect.Image;
}

/**
 * Limits as Docker enforces them, so that updates and clamped values show; what Docker has no
 * field for, as it was asked for.
 */
function linuxResources(record: ContainerRecord, facts: ContainerFacts): LinuxContainerResources {
  const asked = record.config.linux?.resources;
  const host = facts.inspect.HostConfig ?? {};
  const memory = limit(host.Memory);
  return create(LinuxContainerResourcesSchema, {
    cpuPeriod: BigInt(host.CpuPeriod ?? 0),
    cpuQuota: BigInt(host.CpuQuota ?? 0),
    cpuShares: BigInt(host.CpuShares ?? 0),
    memoryLimitInBytes: memory,
    memorySwapLimitInBytes: memory === 0n ? 0n : limit(host.MemorySwap),
    oomScoreAdj: BigInt(host.OomScoreAdj ?? 0),
    cpusetCpus: host.CpusetCpus ?? "",
    cpusetMems: host.CpusetMems ?? "",
    hugepageLimits: facts.written?.hugepageLimits ?? asked?.hugepageLimits ?? [],
    unified: { ...asked?.unified, ...facts.written?.unified },
  });
}

// A limit that an update lifted is, in Docker, one that is never reached.
function limit(bytes: number | null | undefined): bigint {
  return bytes === undefined || bytes === null || bytes >= UNLIMITED_MEMORY ? 0n : BigInt(bytes);
}
