import { create } from "@bufbuild/protobuf";
import {
  LinuxPodSandboxConfigSchema,
  LinuxPodSandboxStatusSchema,
  LinuxSandboxSecurityContextSchema,
  NamespaceMode,
  type NamespaceOption,
  NamespaceOptionSchema,
  NamespaceSchema,
  PodIPSchema,
  type PodSandbox,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
  PodSandboxMetadataSchema,
  PodSandboxNetworkStatusSchema,
  PodSandboxSchema,
  PodSandboxState,
  type PodSandboxStatus,
  PodSandboxStatusSchema,
} from "@dockershim/cri-types";
import type { InspectedContainer } from "./docker-inspect.js";
import { fromDockerLabels, LOG_DIRECTORY_LABEL, RUNTIME_HANDLER_LABEL } from "./labels.js";
import { parseSandboxName } from "./names.js";
import { usesHostNetwork } from "./namespaces.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { readSandboxRecord } from "./record.js";
import { parseTimestamp } from "./timestamps.js";

/** Everything a sandbox's status is made of. */
export interface SandboxFacts {
  inspect: InspectedContainer;
  /** Pod IPs, the primary one first; ignored for a pod on the node's network. */
  ips?: readonly string[] | undefined;
}

/**
 * The config a sandbox was made with, as far as it can be known after a restart of the daemon:
 * all of it for one of ours; metadata, labels, annotations, hostname and namespaces for one that
 * dockershim or cri-dockerd made.
 *
 * @returns undefined where the container's name is no sandbox's
 */
export function sandboxConfigOf(inspect: InspectedContainer): PodSandboxConfig | undefined {
  const recorded = readSandboxRecord(inspect);
  if (recorded !== undefined) return recorded;
  const metadata = parseSandboxName(inspect.Name);
  if (metadata === undefined) return undefined;
  const docker = inspect.Config.Labels ?? {};
  const securityContext = create(LinuxSandboxSecurityContextSchema, {
    namespaceOptions: inspectedNamespaces(inspect),
  });
  return create(PodSandboxConfigSchema, {
    ...fromDockerLabels(docker),
    metadata: create(PodSandboxMetadataSchema, metadata),
    hostname: inspect.Config.Hostname ?? "",
    logDirectory: docker[LOG_DIRECTORY_LABEL] ?? "",
    linux: create(LinuxPodSandboxConfigSchema, {
      cgroupParent: inspect.HostConfig?.CgroupParent ?? "",
      securityContext,
    }),
  });
}

/**
 * The runtime handler a sandbox was run with, as it was asked for. For one of another shim it is
 * the Docker runtime, `runc` being the usual default.
 */
export function sandboxRuntimeHandler(inspect: InspectedContainer): string {
  const label = inspect.Config.Labels?.[RUNTIME_HANDLER_LABEL];
  if (label !== undefined) return label;
  const runtime = inspect.HostConfig?.Runtime ?? "";
  return runtime === "runc" ? "" : runtime;
}

/**
 * CRI's list entry of a sandbox.
 *
 * @throws PodSandboxError where the container is no sandbox
 */
export function toPodSandbox(facts: SandboxFacts): PodSandbox {
  const { inspect } = facts;
  const config = requireConfig(inspect);
  const entry = create(PodSandboxSchema, {
    id: inspect.Id,
    state: sandboxState(inspect),
    createdAt: parseTimestamp(inspect.Created),
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: sandboxRuntimeHandler(inspect),
  });
  if (config.metadata !== undefined) entry.metadata = config.metadata;
  return entry;
}

/**
 * CRI's status of a sandbox.
 *
 * @throws PodSandboxError where the container is no sandbox
 */
export function toPodSandboxStatus(facts: SandboxFacts): PodSandboxStatus {
  const { inspect } = facts;
  const config = requireConfig(inspect);
  const options = config.linux?.securityContext?.namespaceOptions ?? inspectedNamespaces(inspect);
  const [ip = "", ...others] = usesHostNetwork(options) ? [] : (facts.ips ?? []);
  const status = create(PodSandboxStatusSchema, {
    id: inspect.Id,
    state: sandboxState(inspect),
    createdAt: parseTimestamp(inspect.Created),
    network: create(PodSandboxNetworkStatusSchema, {
      ip,
      additionalIps: others.map((other) => create(PodIPSchema, { ip: other })),
    }),
    linux: create(LinuxPodSandboxStatusSchema, {
      namespaces: create(NamespaceSchema, { options }),
    }),
    labels: config.labels,
    annotations: config.annotations,
    runtimeHandler: sandboxRuntimeHandler(inspect),
  });
  if (config.metadata !== undefined) status.metadata = config.metadata;
  return status;
}

/** A sandbox is ready while its pause process runs. */
export function sandboxState(inspect: InspectedContainer): PodSandboxState {
  return inspect.State.Running ? PodSandboxState.SANDBOX_READY : PodSandboxState.SANDBOX_NOTREADY;
}

function requireConfig(inspect: InspectedContainer): PodSandboxConfig {
  const config = sandboxConfigOf(inspect);
  if (config !== undefined) return config;
  const reason = `container ${inspect.Id} (${inspect.Name}) is no sandbox`;
  throw new PodSandboxError("invalid_argument", "pod_sandbox_id", reason);
}

// What cri-dockerd reports too: a sandbox's own pid namespace counts as CONTAINER.
function inspectedNamespaces(inspect: InspectedContainer): NamespaceOption {
  const host = inspect.HostConfig ?? {};
  return create(NamespaceOptionSchema, {
    network: host.NetworkMode === "host" ? NamespaceMode.NODE : NamespaceMode.POD,
    pid: host.PidMode === "host" ? NamespaceMode.NODE : NamespaceMode.CONTAINER,
    ipc: host.IpcMode === "host" ? NamespaceMode.NODE : NamespaceMode.POD,
  });
}
