import type { EngineInfo } from "@dockershim/docker-client";
import { type EngineFacts, findSpecHook, findUserNamespaces } from "@dockershim/pod-sandbox";
import { specHookRuntime, specHookShim, specHookWrapper } from "@dockershim/spec-hook";
import {
  closedFolder,
  containerdFinds,
  isExecutable,
  readProcessNames,
  sharesMounts,
} from "./containerd-programs.js";
import { canMapMountIds, knownOciVersion } from "./runtime-features.js";

/** What a node lets us change of OCI specs, and whether that suffices for user namespaces; if not, why. */
export type SpecFacts = Required<Pick<EngineFacts, "specHook" | "userNamespaces">>;

/**
 * Finds out what of OCI specs can be changed: by what the engine says of itself, and by the processes and files of this
 * node.
 *
 * @param apiVersion The version that is spoken.
 * @param endpoint The engine's API, as `unix:///path`.
 */
export function specFacts(info: EngineInfo, apiVersion: string, endpoint: string): SpecFacts {
  const runtimes = info.Runtimes ?? {};
  const names = readProcessNames();
  const specHook = findSpecHook({
    apiVersion,
    runtimes,
    canRun: isExecutable,
    defaultRuntime: info.DefaultRuntime,
    cgroupDriver: info.CgroupDriver === "systemd" ? "systemd" : "cgroupfs",
    shimRuntime: specHookRuntime,
    shimFound: containerdFinds(specHookShim, info.Containerd?.Address, endpoint, names),
    wrapper: specHookWrapper,
  });
  const security = (info.SecurityOptions ?? []).map((option) => option.split(",")[0]);
  // As a shim the hook becomes the default runtime; one of daemon.json speaks for what it becomes.
  const entry = "runtime" in specHook && specHook.runtime in runtimes ? specHook.runtime : "";
  const userNamespaces = findUserNamespaces({
    specHook,
    remapped: security.includes("name=userns") || security.includes("name=rootless"),
    storageDriver: info.Driver,
    kernel: info.KernelVersion,
    idMappedMounts: canMapMountIds(info, entry),
    closedFolder: closedFolder(info.Containerd?.Address),
    sameMounts: sharesMounts(endpoint, names),
  });
  if ("problem" in specHook) return { specHook, userNamespaces };
  return { specHook: { ...specHook, ociVersion: knownOciVersion(info, entry) }, userNamespaces };
}
