import { PodSandboxError } from "./pod-sandbox-error.js";

/** A port mapping as cri-dockerd keeps it; what was not given is undefined. */
export interface CheckpointPortMapping {
  /** `tcp`, `udp` or `sctp`. */
  readonly protocol: string | undefined;
  readonly containerPort: number | undefined;
  readonly hostPort: number | undefined;
  readonly hostIp: string;
}

/** A sandbox as dockershim and cri-dockerd write it down in `<root>/sandbox/<id>`. */
export interface SandboxCheckpoint {
  readonly name: string;
  readonly namespace: string;
  readonly hostNetwork: boolean;
  readonly portMappings: readonly CheckpointPortMapping[];
  /** Whether the data is as it was written; a file that was cut off or edited has another sum. */
  readonly intact: boolean;
}

/**
 * Reads the checkpoint file of a sandbox.
 *
 * @param text The file's content, JSON.
 * @throws PodSandboxError `invalid_argument` for what is no checkpoint at all. A wrong checksum is
 * no error, since the rest may still be of use.
 */
export function readCheckpoint(text: string): SandboxCheckpoint {
  const file = asObject(parse(text), "checkpoint");
  const data = asObject(file.data ?? {}, "checkpoint.data");
  const mappings = data.port_mappings ?? undefined;
  if (mappings !== undefined && !Array.isArray(mappings)) {
    throw invalid("checkpoint.data.port_mappings", "must be a list");
  }
  const hostNetwork = data.host_network === true;
  const portMappings = mappings?.map(readMapping);
  return {
    name: textOf(file.name),
    namespace: textOf(file.namespace),
    hostNetwork,
    portMappings: portMappings ?? [],
    intact: file.checksum === checkpointChecksum({ hostNetwork, portMappings }),
  };
}

/**
 * The checksum that dockershim and cri-dockerd give a checkpoint: FNV-1a with 32 bits over the data
 * as their Go printer renders it.
 *
 * @param data `portMappings` undefined means that the file has none, which is rendered unlike an
 * empty list.
 */
export function checkpointChecksum(data: {
  readonly hostNetwork: boolean;
  readonly portMappings: readonly CheckpointPortMapping[] | undefined;
}): number {
  const mappings = data.portMappings?.map(renderMapping).join(" ");
  const list = mappings === undefined ? "<nil>" : `[${mappings}]`;
  return fnv1a32(
    `(core.CheckpointData){PortMappings:([]*config.PortMapping)${list} ` +
      `HostNetwork:(bool)${data.hostNetwork}}`,
  );
}

function renderMapping(mapping: CheckpointPortMapping): string {
  const { protocol, containerPort, hostPort, hostIp } = mapping;
  return (
    `<*>{Protocol:(*config.Protocol)${protocol ?? "<nil>"} ` +
    `ContainerPort:(*int32)${containerPort ?? "<nil>"} ` +
    `HostPort:(*int32)${hostPort ?? "<nil>"} HostIP:(string)${hostIp}}`
  );
}

function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash;
}

function readMapping(value: unknown, index: number): CheckpointPortMapping {
  const mapping = asObject(value, `checkpoint.data.port_mappings[${index}]`);
  return {
    protocol: typeof mapping.protocol === "string" ? mapping.protocol : undefined,
    containerPort: integerOf(mapping.container_port),
    hostPort: integerOf(mapping.host_port),
    hostIp: textOf(mapping.host_ip),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PodSandboxError("invalid_argument", "checkpoint", "is not JSON", { cause });
  }
}

function asObject(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw invalid(field, "must be an object");
}

function invalid(field: string, reason: string): PodSandboxError {
  return new PodSandboxError("invalid_argument", field, reason);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function integerOf(value: unknown): number | undefined {
  return Number.isInteger(value) ? (value as number) : undefined;
}
