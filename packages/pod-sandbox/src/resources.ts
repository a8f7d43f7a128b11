import type { LinuxContainerResources } from "@dockershim/cri-types";
import type { CgroupWrite, UpdateContainerBody } from "./docker-create.js";
import type { InspectedHostConfig } from "./docker-inspect.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** What `planUpdate` needs to know. */
export interface UpdatePlanInput {
  resources: LinuxContainerResources;
  engine: EngineFacts;
  /** The container's present `HostConfig`, to leave alone what does not change. */
  current?: InspectedHostConfig | null | undefined;
}

/** A change of limits: plain data for `POST /containers/{id}/update`. */
export interface UpdatePlan {
  body: UpdateContainerBody;
  cgroupWrites: CgroupWrite[];
  warnings: string[];
}

/** Plans UpdateContainerResources. */
export function planUpdate(_input: UpdatePlanInput): UpdatePlan {
  throw new PodSandboxError("unimplemented", "linux", "planning is being written");
}
