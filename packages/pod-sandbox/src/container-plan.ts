import type { ContainerConfig, PodSandboxConfig } from "@dockershim/cri-types";
import type { CgroupWrite, CreateContainerBody, LogConfig } from "./docker-create.js";
import type { InspectedImageConfig } from "./docker-inspect.js";
import type { EngineFacts } from "./engine-facts.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** A user as an image's own /etc/passwd and /etc/group describe it. */
export interface ImageUser {
  uid: number;
  gid: number;
  /** Supplementary groups by membership in /etc/group. */
  groups: readonly number[];
}

/** The image a container is made of. */
export interface PlannedImage {
  /** Docker's image id, `sha256:…`. */
  id: string;
  /** Digested reference, reported as `image_ref`; the id where there is none. */
  ref: string;
  config?: InspectedImageConfig | null | undefined;
  /** What the image says of the user that will run; needed where `imageUserNeeded` says so. */
  user?: ImageUser;
}

/** What `planContainer` needs to know. */
export interface ContainerPlanInput {
  config: ContainerConfig;
  sandboxConfig: PodSandboxConfig;
  sandbox: {
    /** Docker id of the sandbox. */
    id: string;
    /** Handler the sandbox was run with. */
    runtimeHandler: string;
  };
  image: PlannedImage;
  engine: EngineFacts;
  instance: string;
  /** JSON text of the Localhost seccomp profile, when the config names one. */
  seccompProfile?: string;
  logConfig?: LogConfig;
  /** Image volumes: `Mount.image.image` as asked → the image on this engine. */
  imageMounts?: ReadonlyMap<string, { id: string; ref: string }>;
  /** `Mount.host_path` as asked → real path, where the server followed a symbolic link. */
  resolvedHostPaths?: ReadonlyMap<string, string>;
}

/** A container to create. */
export interface ContainerPlan {
  name: string;
  body: CreateContainerBody;
  warnings: string[];
  /** Limits without a create option: to write once the container's cgroup exists. */
  cgroupWrites: CgroupWrite[];
}

/** Plans an app container. */
export function planContainer(_input: ContainerPlanInput): ContainerPlan {
  throw new PodSandboxError("unimplemented", "config", "planning is being written");
}
