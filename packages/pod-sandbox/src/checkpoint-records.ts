import {
  type CheckpointContainerRequest,
  type ContainerStatus,
  ContainerStatusSchema,
  type PodSandboxMetadata,
} from "@dockershim/cri-types";
import type { InspectedContainer } from "./docker-inspect.js";
import { parseGoJson, toGoJson } from "./go-json.js";
import { PodSandboxError } from "./pod-sandbox-error.js";
import { refuseParent, validateAbsolutePath } from "./validate-path.js";

/**
 * Checks what CheckpointContainer asks for.
 *
 * @throws PodSandboxError `invalid_argument` for a location that is no path of a file, or a
 * timeout below zero.
 */
export function validateCheckpointRequest({
  location,
  timeout,
}: Pick<CheckpointContainerRequest, "location" | "timeout">): void {
  validateAbsolutePath(location, "location");
  refuseParent(location, "location");
  if (/\/\.?$/.test(location)) {
    const reason = `${JSON.stringify(location)} must be the path of a file`;
    throw new PodSandboxError("invalid_argument", "location", reason);
  }
  if (timeout < 0n) {
    throw new PodSandboxError("invalid_argument", "timeout", "must not be negative");
  }
}

/** What the records of a checkpoint are made of. */
export interface CheckpointFacts {
  readonly inspect: InspectedContainer;
  readonly status: ContainerStatus;
  readonly sandboxId: string;
  /** Of the sandbox, where that is known. */
  readonly sandbox: PodSandboxMetadata | undefined;
  /** The OCI runtime's `config.json` of the container, as text. */
  readonly spec: string;
  /** RFC 3339. */
  readonly checkpointedAt: string;
  /** Absolute paths that the image has and the container has removed. */
  readonly deleted: readonly string[];
}

/** Go's zero time. */
const never = "0001-01-01T00:00:00Z";

/**
 * The records that a container's checkpoint archive has beside the dump, as texts by file name:
 * `config.dump`, `spec.dump`, `status.dump` and `status` as containerd's CRI writes them (the
 * spec with the annotations by which containerd marks containers of pods, since checkpointctl reads
 * the pod's name there), and `deleted.files`, which Podman and CRI-O have.
 *
 * @throws SyntaxError where the spec is no JSON.
 */
export function planCheckpointRecords(facts: CheckpointFacts): Record<string, string> {
  const { inspect, status, checkpointedAt, deleted } = facts;
  const image = status.image?.image ?? "";
  const records = {
    "config.dump": {
      id: inspect.Id,
      name: inspect.Name.replace(/^\//, ""),
      rootfsImage: image,
      rootfsImageRef: status.imageRef,
      rootfsImageName: image,
      runtime: inspect.HostConfig?.Runtime ?? "",
      createdTime: inspect.Created,
      checkpointedTime: checkpointedAt,
      restoredTime: never,
      restored: false,
    },
    "spec.dump": specOf(facts),
    "status.dump": toGoJson(ContainerStatusSchema, status),
    status: containerdStatus(inspect, status),
    "deleted.files": deleted,
  };
  return Object.fromEntries(
    Object.entries(records).map(([name, value]) => [name, JSON.stringify(value)] as const),
  );
}

function specOf({ spec: text, status, sandboxId, sandbox }: CheckpointFacts): object {
  const spec = parseGoJson(text) as Readonly<Record<string, unknown>>;
  const prefix = "io.kubernetes.cri";
  const annotations = {
    ...(spec.annotations as Readonly<Record<string, string>> | undefined),
    [`${prefix}.container-type`]: "container",
    [`${prefix}.container-name`]: status.metadata?.name ?? "",
    [`${prefix}.image-name`]: status.image?.image ?? "",
    [`${prefix}.sandbox-id`]: sandboxId,
    ...(sandbox === undefined
      ? {}
      : {
          [`${prefix}.sandbox-name`]: sandbox.name,
          [`${prefix}.sandbox-namespace`]: sandbox.namespace,
          [`${prefix}.sandbox-uid`]: sandbox.uid,
        }),
  };
  return { ...spec, annotations };
}

/** What containerd keeps of a container's state, in its own file of that name. */
function containerdStatus({ State: state }: InspectedContainer, status: ContainerStatus): object {
  const { created_at, started_at } = toGoJson(ContainerStatusSchema, status);
  return {
    Version: "v1",
    Pid: state.Pid,
    CreatedAt: created_at ?? 0,
    StartedAt: started_at ?? 0,
    FinishedAt: 0,
    ExitCode: 0,
    Reason: status.reason,
    Message: status.message,
  };
}
