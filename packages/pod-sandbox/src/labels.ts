// The scheme of dockershim and cri-dockerd: what they wrote, we read, and the other way round.

/** Tells sandboxes from app containers. */
export const TYPE_LABEL = "io.kubernetes.docker.type";
/** Value of `TYPE_LABEL` on sandboxes. */
export const TYPE_SANDBOX = "podsandbox";
/** Value of `TYPE_LABEL` on app containers. */
export const TYPE_CONTAINER = "container";
/** On containers: Docker id of their sandbox. */
export const SANDBOX_ID_LABEL = "io.kubernetes.sandbox.id";
/** On containers: absolute path of the log file that CRI asked for. */
export const LOG_PATH_LABEL = "io.kubernetes.container.logpath";
/** On sandboxes always `POD`; on containers it is the kubelet's own CRI label. */
export const CONTAINER_NAME_LABEL = "io.kubernetes.container.name";
/** Value of `CONTAINER_NAME_LABEL` on sandboxes. */
export const SANDBOX_CONTAINER_NAME = "POD";
/** CRI annotations become labels under this prefix, since Docker has no annotations to list. */
export const ANNOTATION_PREFIX = "annotation.";

// Ours. cri-dockerd shows labels that it does not know as CRI labels, which harms nobody.

/** Prefix of every label of our own. */
export const OWN_PREFIX = "io.dockershim.";
/** Which daemon owns the container: two daemons can share one engine. */
export const INSTANCE_LABEL = "io.dockershim.instance";
/** On sandboxes: the runtime handler as it was asked for. */
export const RUNTIME_HANDLER_LABEL = "io.dockershim.runtime-handler";
/** On sandboxes: `PodSandboxConfig.log_directory`. */
export const LOG_DIRECTORY_LABEL = "io.dockershim.log-directory";
/** Everything CRI wants back that Docker has no field for; see record.ts. */
export const RECORD_LABEL = "io.dockershim.record";
/** On containers whose OCI spec is changed: how, as JSON of a `SpecPatch`. */
export const SPEC_PATCH_LABEL = "io.dockershim.spec-patch";

/** Labels as Docker takes them. */
export type Labels = Readonly<Record<string, string>>;

/** CRI's view of a container's labels. */
export interface CriLabels {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const reservedOnSandbox: ReadonlySet<string> = new Set([
  TYPE_LABEL,
  SANDBOX_ID_LABEL,
  LOG_PATH_LABEL,
  CONTAINER_NAME_LABEL,
]);
const reservedOnContainer: ReadonlySet<string> = new Set([
  TYPE_LABEL,
  SANDBOX_ID_LABEL,
  LOG_PATH_LABEL,
]);

/** Whether a CRI label of this key would be mistaken for one of the scheme's own. */
export function isShadowed(key: string, type: string): boolean {
  const reserved = type === TYPE_SANDBOX ? reservedOnSandbox : reservedOnContainer;
  return (
    key === "" ||
    reserved.has(key) ||
    key.startsWith(ANNOTATION_PREFIX) ||
    key.startsWith(OWN_PREFIX)
  );
}

/**
 * Docker labels of a CRI config: labels as they are (but for those the scheme would mistake for
 * its own, which only the record holds), annotations under their prefix.
 */
export function toDockerLabels(
  labels: Labels,
  annotations: Labels,
  type: string,
): Record<string, string> {
  // Not by assignment: a key may be `__proto__`.
  return Object.fromEntries([
    ...Object.entries(labels).filter(([key]) => !isShadowed(key, type)),
    ...Object.entries(annotations).map(([key, value]) => [ANNOTATION_PREFIX + key, value]),
    [TYPE_LABEL, type],
  ]);
}

/**
 * The reverse of `toDockerLabels` for a container without a record of ours (made by cri-dockerd
 * or dockershim). Labels that its image brought along cannot be told from CRI's there.
 */
export function fromDockerLabels(docker: Labels): CriLabels {
  const type = docker[TYPE_LABEL] ?? TYPE_CONTAINER;
  const entries = Object.entries(docker);
  const annotations = entries
    .filter(([key]) => key.startsWith(ANNOTATION_PREFIX))
    .map(([key, value]) => [key.slice(ANNOTATION_PREFIX.length), value]);
  return {
    labels: Object.fromEntries(entries.filter(([key]) => !isShadowed(key, type))),
    annotations: Object.fromEntries(annotations),
  };
}
