import type { ContainerMetadata, PodSandboxMetadata } from "@dockershim/cri-types";

// Docker refuses a second container of the same name, so a name made of the CRI metadata alone
// is what makes creation idempotent. The scheme is dockershim's, so that a node can be taken
// over with its pods running.
const prefix = "k8s";
const sandboxPart = "POD";
const delimiter = "_";

/** Metadata of a sandbox without protobuf's wrapping. */
export type SandboxMetadata = Pick<PodSandboxMetadata, "name" | "namespace" | "uid" | "attempt">;

/** Metadata of a container without protobuf's wrapping. */
export type ContainerNameMetadata = Pick<ContainerMetadata, "name" | "attempt">;

/** What the name of an app container tells. */
export interface ParsedContainerName {
  container: ContainerNameMetadata;
  /** The pod, without the sandbox's attempt, which the name of a container does not hold. */
  pod: Omit<SandboxMetadata, "attempt">;
  /** The suffix added after a name conflict, if any. */
  suffix: string | undefined;
}

/** Docker name of a sandbox: `k8s_POD_<pod>_<namespace>_<uid>_<attempt>`. */
export function sandboxName(meta: SandboxMetadata): string {
  return [prefix, sandboxPart, meta.name, meta.namespace, meta.uid, String(meta.attempt)].join(
    delimiter,
  );
}

/** Docker name of a container: `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`. */
export function containerName(
  pod: Pick<SandboxMetadata, "name" | "namespace" | "uid">,
  container: ContainerNameMetadata,
): string {
  return [prefix, container.name, pod.name, pod.namespace, pod.uid, String(container.attempt)].join(
    delimiter,
  );
}

/**
 * Appends the suffix that sets a name apart after a conflict that could not be cleared.
 *
 * @param n an unsigned 32-bit number; the caller's source of randomness or count
 */
export function withSuffix(name: string, n: number): string {
  return `${name}${delimiter}${(n >>> 0).toString(16).padStart(8, "0")}`;
}

/**
 * The name that a container was planned with, of the one that it has: without Docker's slash and
 * the suffix of {@link withSuffix}. A name of another scheme stays as it is.
 */
export function withoutSuffix(name: string): string {
  return name.replace(/^\//, "").replace(/^((?:[^_]+_){5}[^_]+)_[\da-f]{8}$/, "$1");
}

/** Reads sandbox metadata out of a Docker name; undefined where the name is none of ours. */
export function parseSandboxName(name: string): SandboxMetadata | undefined {
  const parts = splitName(name);
  if (parts === undefined || parts.first !== sandboxPart) return undefined;
  return { name: parts.pod, namespace: parts.namespace, uid: parts.uid, attempt: parts.attempt };
}

/** Reads container metadata out of a Docker name; undefined for sandboxes and foreign names. */
export function parseContainerName(name: string): ParsedContainerName | undefined {
  const parts = splitName(name);
  if (parts === undefined || parts.first === sandboxPart) return undefined;
  return {
    container: { name: parts.first, attempt: parts.attempt },
    pod: { name: parts.pod, namespace: parts.namespace, uid: parts.uid },
    suffix: parts.suffix,
  };
}

function splitName(name: string) {
  const parts = name.replace(/^\//, "").split(delimiter);
  if (parts.length !== 6 && parts.length !== 7) return undefined;
  const [head, first = "", pod = "", namespace = "", uid = "", attemptText = "", suffix] = parts;
  if (head !== prefix || first === "" || !/^\d{1,10}$/.test(attemptText)) return undefined;
  const attempt = Number(attemptText);
  if (attempt > 0xffff_ffff) return undefined;
  return { first, pod, namespace, uid, attempt, suffix };
}
