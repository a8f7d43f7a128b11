import type { PodSandboxConfig } from "@dockershim/cri-types";
import type { CreateContainerBody } from "./docker-create.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** What `planSandbox` needs to know. */
export interface SandboxPlanInput {
  config: PodSandboxConfig;
  /** `RunPodSandboxRequest.runtime_handler`; `""` and `docker` mean the engine's default. */
  runtimeHandler: string;
  /** Reference or id of the pause image. */
  image: string;
  engine: EngineFacts;
  /** Which daemon owns what is created; goes into a label. */
  instance: string;
  /** Network of a pod that does not ask for the node's; that one always gets `host`. */
  networkMode: "none" | "host";
  /**
   * JSON text of a seccomp profile: the file that a Localhost profile names, or a small profile
   * made for the pause process. Without it Docker's default profile applies.
   */
  seccompProfile?: string;
}

/** A sandbox to create: plain data for `POST /containers/create`. */
export interface SandboxPlan {
  name: string;
  body: CreateContainerBody;
  /** Things an operator should know, as full sentences. */
  warnings: string[];
}

/** Plans the pause container of a pod. */
export function planSandbox(_input: SandboxPlanInput): SandboxPlan {
  throw new PodSandboxError("unimplemented", "config", "planning is being written");
}
