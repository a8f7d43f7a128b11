export { type HostDevice, nriClasses, planAdjustedContainer } from "./adjust-container.js";
export { type BlockIoClasses, type BlockIoRule, parseBlockIoClasses } from "./block-io.js";
export { toCgroupParent } from "./cgroup-parent.js";
export {
  type CheckpointPortMapping,
  checkpointChecksum,
  readCheckpoint,
  type SandboxCheckpoint,
} from "./checkpoint.js";
export {
  type CheckpointFacts,
  planCheckpointRecords,
  validateCheckpointRequest,
} from "./checkpoint-records.js";
export {
  type ContainerPlan,
  type ContainerPlanInput,
  type PlannedImage,
  planContainer,
} from "./container-plan.js";
export { type ContainerLife, containerLife } from "./container-state.js";
export {
  type ContainerFacts,
  logPathOf,
  sandboxIdOf,
  toContainer,
  toContainerStatus,
} from "./container-status.js";
export { type CreateDifference, createDifference } from "./create-difference.js";
export type {
  BindOptions,
  CgroupWrite,
  CreateContainerBody,
  DeviceMapping,
  DeviceRequest,
  HostConfig,
  LogConfig,
  MountSpec,
  Ulimit,
  UpdateContainerBody,
} from "./docker-create.js";
export type {
  InspectedConfig,
  InspectedContainer,
  InspectedHostConfig,
  InspectedImage,
  InspectedImageConfig,
  InspectedMount,
  InspectedState,
  ListedImage,
} from "./docker-inspect.js";
export {
  apiAtLeast,
  type EngineFacts,
  type SpecHookFact,
  type UserNamespaceFact,
} from "./engine-facts.js";
export { matchesContainerFilter, matchesLabels, matchesPodSandboxFilter } from "./filters.js";
export { type ImageOptions, imageNameOf, imageUserOf, toImage } from "./image.js";
export {
  ANNOTATION_PREFIX,
  CONTAINER_NAME_LABEL,
  type CriLabels,
  fromDockerLabels,
  INSTANCE_LABEL,
  type Labels,
  LOG_DIRECTORY_LABEL,
  LOG_PATH_LABEL,
  OWN_PREFIX,
  RECORD_LABEL,
  RUNTIME_HANDLER_LABEL,
  SANDBOX_CONTAINER_NAME,
  SANDBOX_ID_LABEL,
  SPEC_PATCH_LABEL,
  TYPE_CONTAINER,
  TYPE_LABEL,
  TYPE_SANDBOX,
  toDockerLabels,
} from "./labels.js";
export { fromDockerPropagation, type MountedImage, toDockerPropagation } from "./mounts.js";
export {
  type ContainerNameMetadata,
  containerName,
  type ParsedContainerName,
  parseContainerName,
  parseSandboxName,
  type SandboxMetadata,
  sandboxName,
  withoutSuffix,
  withSuffix,
} from "./names.js";
export { usesHostNetwork } from "./namespaces.js";
export type {
  NriAdjustment,
  NriDevice,
  NriMount,
  NriOptional,
  NriResources,
} from "./nri-adjustment.js";
export {
  fromNriResources,
  fromNriUpdate,
  type NriLimits,
  toNriResources,
} from "./nri-resources.js";
export { PodSandboxError, type PodSandboxErrorCode } from "./pod-sandbox-error.js";
export { type ContainerRecord, readContainerRecord, readSandboxRecord } from "./record.js";
export {
  type AskedClass,
  type AskedClasses,
  annotatedClasses,
  type NodeClasses,
  wantsClass,
} from "./resource-classes.js";
export {
  planResources,
  planUpdate,
  type ResourceFields,
  type ResourcePlan,
  type UpdatePlan,
  type UpdatePlanInput,
} from "./resources.js";
export { isDefaultHandler, shimGroupOf, toDockerRuntime } from "./runtime-handler.js";
export { planSandbox, type SandboxPlan, type SandboxPlanInput } from "./sandbox-plan.js";
export {
  type SandboxFacts,
  sandboxConfigOf,
  sandboxRuntimeHandler,
  sandboxState,
  toPodSandbox,
  toPodSandboxStatus,
} from "./sandbox-status.js";
export { sandboxSeccompChoice } from "./security-context.js";
export { apparmorChoice, type ProfileChoice, seccompChoice } from "./security-profiles.js";
export { fromDockerSignal, toDockerSignal } from "./signals.js";
export { findSpecHook, type SpecHookEvidence } from "./spec-hook-fact.js";
export {
  applySpecPatch,
  joinSpecPatches,
  type OciDevice,
  type OciHook,
  type OciHookPoint,
  type OciIdMapping,
  type OciIntelRdt,
  type OciMount,
  type OciMountMappings,
  type OciResources,
  type OciScheduler,
  type OciSpec,
  type OciSpecPart,
  readSpecPatch,
  type SpecPatch,
  type UserNamespacePatch,
} from "./spec-patch.js";
export { noSwapProperty, systemdProperty } from "./systemd-properties.js";
export { parseTimestamp } from "./timestamps.js";
export { applyUserNamespace, type UserNamespaceFacts } from "./user-namespace.js";
export { findUserNamespaces, type UserNamespaceEvidence } from "./user-namespace-fact.js";
export { type ImageUser, imageUserNeeded, resolveImageUser } from "./users.js";
export {
  type ContainerConfigs,
  type ValidContainerConfigs,
  validateContainerConfigs,
} from "./validate-container.js";
export { type ValidContainerResources, validateContainerResources } from "./validate-resources.js";
export { type ValidSandboxConfig, validateSandboxConfig } from "./validate-sandbox.js";
export { toVerboseInfo } from "./verbose-info.js";
