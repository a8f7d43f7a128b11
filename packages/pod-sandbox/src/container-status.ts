import type { Container, ContainerStatus } from "@dockershim/cri-types";
import type { InspectedContainer, InspectedImage } from "./docker-inspect.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** Everything a container's status is made of. */
export interface ContainerFacts {
  inspect: InspectedContainer;
  /** The container's image, where the engine still has it. */
  image?: Pick<InspectedImage, "Id" | "RepoTags" | "RepoDigests">;
  /** Identity of the running process, read from /proc/<pid>/status. */
  user?: { uid: number; gid: number; supplementalGroups: readonly number[] };
}

/** CRI's list entry of a container. */
export function toContainer(_facts: ContainerFacts): Container {
  throw new PodSandboxError("unimplemented", "status", "being written");
}

/** CRI's status of a container. */
export function toContainerStatus(_facts: ContainerFacts): ContainerStatus {
  throw new PodSandboxError("unimplemented", "status", "being written");
}
