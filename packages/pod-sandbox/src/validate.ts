import type {
  ContainerConfig,
  LinuxContainerResources,
  PodSandboxConfig,
} from "@dockershim/cri-types";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** Throws `PodSandboxError` where a sandbox config breaks CRI's rules. */
export function validateSandboxConfig(_config: PodSandboxConfig | undefined): void {
  throw new PodSandboxError("unimplemented", "config", "being written");
}

/** Throws `PodSandboxError` where a container config breaks CRI's rules. */
export function validateContainerConfig(
  _config: ContainerConfig | undefined,
  _sandboxConfig: PodSandboxConfig | undefined,
): void {
  throw new PodSandboxError("unimplemented", "config", "being written");
}

/** Throws `PodSandboxError` where limits are out of range. */
export function validateContainerResources(_resources: LinuxContainerResources | undefined): void {
  throw new PodSandboxError("unimplemented", "linux", "being written");
}
