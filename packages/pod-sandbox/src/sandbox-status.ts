import type { PodSandbox, PodSandboxStatus } from "@dockershim/cri-types";
import type { InspectedContainer } from "./docker-inspect.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** Everything a sandbox's status is made of. */
export interface SandboxFacts {
  inspect: InspectedContainer;
  /** Pod IPs, the primary one first; ignored for a pod on the node's network. */
  ips?: readonly string[];
}

/** CRI's list entry of a sandbox. */
export function toPodSandbox(_facts: SandboxFacts): PodSandbox {
  throw new PodSandboxError("unimplemented", "status", "being written");
}

/** CRI's status of a sandbox. */
export function toPodSandboxStatus(_facts: SandboxFacts): PodSandboxStatus {
  throw new PodSandboxError("unimplemented", "status", "being written");
}
