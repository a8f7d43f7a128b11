import type { CDIDevice, Device } from "@dockershim/cri-types";
import type { DeviceMapping, DeviceRequest } from "./docker-create.js";
import { apiAtLeast, type EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** Docker's `Devices`. A device keeps its host path inside where CRI names none. */
export function toDeviceMappings(devices: readonly Device[]): DeviceMapping[] {
  return devices.map(({ hostPath, containerPath, permissions }) => ({
    PathOnHost: hostPath,
    PathInContainer: containerPath === "" ? hostPath : containerPath,
    CgroupPermissions: permissions === "" ? "rwm" : permissions,
  }));
}

/**
 * Docker's `DeviceRequests` for CDI devices, which Docker knows since version 25.
 *
 * @throws PodSandboxError `unimplemented` on an older engine
 */
export function toDeviceRequests(
  devices: readonly CDIDevice[],
  engine: EngineFacts,
): DeviceRequest[] {
  if (devices.length === 0) return [];
  if (!apiAtLeast(engine.apiVersion, "1.44")) {
    throw new PodSandboxError(
      "unimplemented",
      "config.CDI_devices",
      `CDI devices need Docker 25 (API 1.44); this engine speaks API ${engine.apiVersion}`,
    );
  }
  // A device injected twice would be an error, and a client may name it in two ways.
  return [{ Driver: "cdi", DeviceIDs: [...new Set(devices.map((device) => device.name))] }];
}
