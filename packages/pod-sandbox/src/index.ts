export {
  type ContainerPlan,
  type ContainerPlanInput,
  type ImageUser,
  type PlannedImage,
  planContainer,
} from "./container-plan.js";
export { type ContainerFacts, toContainer, toContainerStatus } from "./container-status.js";
export type {
  BindOptions,
  CgroupWrite,
  CreateContainerBody,
  DeviceMapping,
  DeviceRequest,
  HostConfig,
  LogConfig,
  MountSpec,
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
export { apiAtLeast, type EngineFacts } from "./engine-facts.js";
export { matchesContainerFilter, matchesLabels, matchesPodSandboxFilter } from "./filters.js";
export { toImage } from "./image.js";
export {
  type ContainerNameMetadata,
  containerName,
  type ParsedContainerName,
  parseContainerName,
  parseSandboxName,
  type SandboxMetadata,
  sandboxName,
  withSuffix,
} from "./names.js";
export { PodSandboxError, type PodSandboxErrorCode } from "./pod-sandbox-error.js";
export { planUpdate, type UpdatePlan, type UpdatePlanInput } from "./resources.js";
export { planSandbox, type SandboxPlan, type SandboxPlanInput } from "./sandbox-plan.js";
export { type SandboxFacts, toPodSandbox, toPodSandboxStatus } from "./sandbox-status.js";
export { parseTimestamp } from "./timestamps.js";
export {
  validateContainerConfig,
  validateContainerResources,
  validateSandboxConfig,
} from "./validate.js";
