import type { SpecHookFact, UserNamespaceFact } from "./engine-facts.js";

/** What decides whether pods can have user namespaces of their own. */
export interface UserNamespaceEvidence {
  readonly specHook: SpecHookFact;
  /** Whether the engine maps all containers' ids itself (`userns-remap`), or runs without root. */
  readonly remapped: boolean;
  /** `Driver` of `GET /info`. */
  readonly storageDriver: string;
  /** `KernelVersion` of `GET /info`, such as `6.12.9-amd64`. */
  readonly kernel: string;
  /** Whether the OCI runtime maps ids of mounts, by its own list of features. */
  readonly idMappedMounts: boolean | undefined;
  /** A folder above containerd's bundles that lets nobody but root pass. */
  readonly closedFolder: string | undefined;
  /** Whether the daemon sees the engine's mounts as the engine does. */
  readonly sameMounts: boolean;
}

/** The kernel from which on tmpfs, where Kubernetes keeps secrets, can be mounted with mapped ids. */
const leastKernel = [6, 3] as const;

/** Says whether pods can have user namespaces of their own, and if not, why. */
export function findUserNamespaces(evidence: UserNamespaceEvidence): UserNamespaceFact {
  const { specHook, storageDriver, kernel, closedFolder } = evidence;
  if ("problem" in specHook) return { problem: `there is no spec hook: ${specHook.problem}` };
  if (evidence.remapped) return { problem: "the engine maps the ids of all containers itself" };
  if (!["overlay2", "overlayfs"].includes(storageDriver)) {
    return { problem: `the storage driver is ${storageDriver}; it needs overlay2 or overlayfs` };
  }
  const [major = 0, minor = 0] = kernel.split(".").map((part) => Number.parseInt(part, 10));
  const [leastMajor, leastMinor] = leastKernel;
  if (!(major > leastMajor || (major === leastMajor && minor >= leastMinor))) {
    return { problem: `the kernel is ${kernel}; it needs ${leastKernel.join(".")}` };
  }
  if (evidence.idMappedMounts !== true) {
    return { problem: "runc does not say that it maps the ids of mounts; it needs runc 1.2" };
  }
  if (closedFolder !== undefined) {
    return { problem: `${closedFolder} lets nobody but root pass to containers: chmod o+x it` };
  }
  if (!evidence.sameMounts) {
    return { problem: "the daemon and the engine are not in one mount namespace" };
  }
  return { possible: true };
}
