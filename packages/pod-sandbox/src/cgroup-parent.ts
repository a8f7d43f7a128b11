import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/**
 * Docker's `HostConfig.CgroupParent` for CRI's cgroupfs-style path: the path itself for the
 * cgroupfs driver; for systemd its last element, which must be a slice and names its own parents.
 *
 * @returns undefined where CRI gives none
 * @throws PodSandboxError `failed_precondition` where the kubelet uses another cgroup driver than
 *   the engine
 */
export function toCgroupParent(path: string, engine: EngineFacts): string | undefined {
  if (path === "") return undefined;
  if (engine.cgroupDriver === "cgroupfs") return path;
  const slice = path.split("/").findLast((part) => part !== "") ?? "";
  if (slice.endsWith(".slice")) return slice;
  throw new PodSandboxError(
    "failed_precondition",
    "config.linux.cgroup_parent",
    `${JSON.stringify(path)} does not end in a .slice: the engine's cgroup driver is systemd, ` +
      "the client's seems to be cgroupfs",
  );
}
