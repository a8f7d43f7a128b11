import type { DockerContainers } from "@dockershim/docker-client";
import {
  type ContainerPlan,
  type ContainerPlanInput,
  createDifference,
  nriClasses,
  planAdjustedContainer,
  wantsClass,
} from "@dockershim/pod-sandbox";
import type { Nri } from "../nri/nri.js";
import { ShimError } from "../shim-error.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import { readHostDevices } from "./host-devices.js";
import type { NodeClassReader } from "./node-classes.js";

/** What it takes to create a container as NRI plugins want it. */
export interface ContainerAdjustParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "update"> };
  readonly store: Pick<Store, "refresh">;
  readonly nri: Pick<Nri, "createContainer" | "containerUndone">;
  readonly nodeClasses: NodeClassReader;
}

/** How a container is created and taken back. */
export interface Creation {
  /** @returns The record of what was created. */
  create(plan: ContainerPlan): Promise<ContainerRecord>;
  destroy(id: string): Promise<void>;
}

/** How often plugins may want something else for one container. */
const mostCreations = 4;

/**
 * Creates a container as NRI plugins want it.
 *
 * Plugins are asked about a container by its id, which Docker gives when it creates it; and most of
 * what they want can only be had at creation. So it is created as planned, and plugins are asked. If
 * they want what Docker cannot change afterwards, they are told that this one is gone, and it is
 * created anew as they want it. They are asked again, for it has another id, with the same container
 * as the first time; it stays once they want what it has.
 *
 * @returns The id of the container that stays. Of others none is left, unless this fails: then the
 * last one is.
 * @throws ShimError `failed_precondition` when plugins want something else each time; whatever
 * {@link Nri.createContainer} and {@link planAdjustedContainer} throw.
 */
export async function createAdjusted(
  { docker, store, nri, nodeClasses }: ContainerAdjustParts,
  input: ContainerPlanInput,
  plan: ContainerPlan,
  { create, destroy }: Creation,
  signal: AbortSignal,
): Promise<string> {
  const planned = await create(plan);
  let { id } = planned;
  let made = plan;
  for (let creations = 1; ; creations++) {
    const wanted = await askPlugins(id);
    if (wanted === made) return id;
    const difference = createDifference(made, wanted);
    if (difference.kind === "none") return id;
    if (difference.kind === "limits") {
      await docker.containers.update(id, difference.body, { signal });
      await store.refresh(id);
      return id;
    }
    if (creations === mostCreations) {
      throw new ShimError(
        "failed_precondition",
        `NRI plugins want something else each time that container ${plan.name} is created`,
      );
    }
    await nri.containerUndone(id, planned);
    await destroy(id);
    made = wanted;
    ({ id } = await create(made));
  }

  async function askPlugins(about: string): Promise<ContainerPlan> {
    const adjust = await nri.createContainer(about, planned);
    if (adjust === undefined) return plan;
    const classed = adjust.linux?.rdt !== undefined || wantsClass(nriClasses(adjust));
    const adjustable = classed ? { ...input, nodeClasses: await nodeClasses.read() } : input;
    return planAdjustedContainer(adjustable, adjust, await readHostDevices(adjust));
  }
}
