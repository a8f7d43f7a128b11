export type { CallOptions, Filters, OrNull } from "./call-options.js";
export type {
  ContainerConfig,
  ContainerCreateBody,
  ContainerResources,
  ContainerUpdateBody,
  HealthcheckSpec,
  HostConfig,
  MountSpec,
  PortBindings,
} from "./container-create-types.js";
export type {
  ArchivePathStat,
  ContainerChange,
  ContainerCreated,
  ContainerInspect,
  ContainerNetworkSettings,
  ContainerProcesses,
  ContainerState,
  ContainerStatusName,
  ContainerSummary,
  MountPoint,
  NetworkEndpoint,
  StateChange,
  WaitCondition,
  WaitResult,
} from "./container-types.js";
export { createDockerClient } from "./create-docker-client.js";
export type {
  DockerClient,
  DockerClientLog,
  DockerClientOptions,
  DockerContainers,
  DockerExec,
  DockerImages,
  RequestObserver,
  TerminalSize,
} from "./docker-client.js";
export type {
  DiskUsage,
  DiskUsageType,
  EngineInfo,
  EngineRuntime,
  EngineVersion,
} from "./engine-types.js";
export {
  DockerError,
  type DockerErrorCode,
  type DockerErrorOptions,
  isDockerError,
} from "./errors.js";
export type { EngineEvent, EventStreamItem, EventStreamOptions } from "./event-types.js";
export type { ExecCreateBody, ExecInspect, ExecStartOptions } from "./exec-types.js";
export { type ImageReference, parseImageReference } from "./image-reference.js";
export type {
  ImageHistoryEntry,
  ImageInspect,
  ImageRemoval,
  ImageSummary,
  PullProgress,
} from "./image-types.js";
export { encodeRegistryAuth, type RegistryAuth } from "./registry-auth.js";
export type {
  AttachOptions,
  HijackedStream,
  LogFrame,
  LogOptions,
  LogStream,
} from "./stream-types.js";
