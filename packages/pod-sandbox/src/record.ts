import { create, fromJson, type JsonValue, type MessageShape, toJson } from "@bufbuild/protobuf";
import {
  type ContainerConfig,
  ContainerConfigSchema,
  LinuxContainerConfigSchema,
  type PodSandboxConfig,
  PodSandboxConfigSchema,
} from "@dockershim/cri-types";
import type { InspectedContainer } from "./docker-inspect.js";
import {
  ANNOTATION_PREFIX,
  type CriLabels,
  isShadowed,
  type Labels,
  RECORD_LABEL,
  TYPE_CONTAINER,
  TYPE_SANDBOX,
} from "./labels.js";
import { withoutSuffix } from "./names.js";

// Docker's labels are the only record there is: a daemon killed at any instant starts again from
// them. This one label holds, as protobuf JSON, the parts of the CRI config that Docker has no
// field for, and which of the labels are CRI's. The latter matters because an image's own labels
// are merged into its containers' by Docker.
interface StoredRecord {
  version: 1;
  /** Docker name the record was made for. */
  name: string;
  labelKeys: string[];
  annotationKeys: string[];
  /** CRI labels that cannot be Docker labels because the scheme would mistake them. */
  shadowed?: Record<string, string>;
  config: JsonValue;
  /** On containers: digested reference of the image, as it was at creation. */
  imageRef?: string;
}

/** What the record of a container tells. */
export interface ContainerRecord {
  config: ContainerConfig;
  imageRef: string | undefined;
}

/** Text of the record label of a sandbox: its whole config, labels by their keys only. */
export function sandboxRecord(name: string, config: PodSandboxConfig): string {
  const { $typeName: _type, labels: _labels, annotations: _annotations, ...rest } = config;
  const kept = create(PodSandboxConfigSchema, rest);
  return JSON.stringify(
    makeRecord(name, config, TYPE_SANDBOX, toJson(PodSandboxConfigSchema, kept)),
  );
}

/**
 * Text of the record label of a container: metadata, image, mounts, log path and resources.
 * Environment, command and the rest are Docker's own to tell.
 */
export function containerRecord(name: string, config: ContainerConfig, imageRef: string): string {
  const { metadata, image, mounts, logPath } = config;
  const kept = create(ContainerConfigSchema, { mounts, logPath });
  if (metadata !== undefined) kept.metadata = metadata;
  if (image !== undefined) kept.image = image;
  const resources = config.linux?.resources;
  if (resources !== undefined) kept.linux = create(LinuxContainerConfigSchema, { resources });
  const json = toJson(ContainerConfigSchema, kept);
  return JSON.stringify({ ...makeRecord(name, config, TYPE_CONTAINER, json), imageRef });
}

function makeRecord(name: string, config: CriLabels, type: string, json: JsonValue): StoredRecord {
  const shadowed = Object.entries(config.labels).filter(([key]) => isShadowed(key, type));
  return {
    version: 1,
    name,
    labelKeys: Object.keys(config.labels).filter((key) => !isShadowed(key, type)),
    annotationKeys: Object.keys(config.annotations),
    ...(shadowed.length > 0 ? { shadowed: Object.fromEntries(shadowed) } : {}),
    config: json,
  };
}

/** The recorded sandbox config, labels and annotations included; undefined where none is ours. */
export function readSandboxRecord(inspect: InspectedContainer): PodSandboxConfig | undefined {
  const record = findRecord(inspect);
  return record && decode(inspect, record, PodSandboxConfigSchema);
}

/** The record of a container; undefined where none is ours. */
export function readContainerRecord(inspect: InspectedContainer): ContainerRecord | undefined {
  const record = findRecord(inspect);
  const config = record && decode(inspect, record, ContainerConfigSchema);
  return config && { config, imageRef: record?.imageRef };
}

function decode<Desc extends typeof ContainerConfigSchema | typeof PodSandboxConfigSchema>(
  inspect: InspectedContainer,
  record: StoredRecord,
  schema: Desc,
): MessageShape<Desc> | undefined {
  const docker = inspect.Config.Labels ?? {};
  let config: MessageShape<Desc>;
  try {
    config = fromJson(schema, record.config, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
  config.labels = { ...pick(docker, record.labelKeys, ""), ...record.shadowed };
  config.annotations = pick(docker, record.annotationKeys, ANNOTATION_PREFIX);
  return config;
}

function findRecord(inspect: InspectedContainer): StoredRecord | undefined {
  const text = inspect.Config.Labels?.[RECORD_LABEL];
  if (text === undefined) return undefined;
  const record = parse(text);
  // An image could carry a forged record into a container that another shim made. It cannot
  // know the pod's uid in advance, which is part of the name.
  return record !== undefined && record.name === withoutSuffix(inspect.Name) ? record : undefined;
}

function parse(text: string): StoredRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const record = value as Partial<StoredRecord>;
  const complete =
    record.version === 1 &&
    typeof record.name === "string" &&
    Array.isArray(record.labelKeys) &&
    Array.isArray(record.annotationKeys) &&
    record.config !== undefined;
  return complete ? (record as StoredRecord) : undefined;
}

function pick(docker: Labels, keys: readonly string[], prefix: string): Record<string, string> {
  const picked: [string, string][] = [];
  for (const key of keys) {
    const value = docker[prefix + key];
    if (value !== undefined) picked.push([key, value]);
  }
  // Not by assignment: a key may be `__proto__`.
  return Object.fromEntries(picked);
}
