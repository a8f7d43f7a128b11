import type { UpdateContainerResourcesRequest } from "@dockershim/cri-types";
import { validateContainerResources } from "@dockershim/pod-sandbox";
import type { CallContext } from "../call.js";
import {
  type ChangeLimitsParts,
  changeLimits,
  requireChangeable,
} from "../engine-work/change-limits.js";
import type { Nri } from "../nri/nri.js";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";

/** What UpdateContainerResources uses. */
export interface ContainerUpdateParts extends ChangeLimitsParts {
  readonly store: ChangeLimitsParts["store"] & ContainerLookup;
  readonly nri: Pick<Nri, "hold" | "updateContainer" | "containerUpdated">;
}

/**
 * UpdateContainerResources: changes limits in place, to what NRI plugins make of them.
 *
 * @throws ShimError `failed_precondition` for a container that has ended, as containerd does.
 */
export function createContainerUpdate(
  parts: ContainerUpdateParts,
): (request: UpdateContainerResourcesRequest, call: CallContext) => Promise<Record<string, never>> {
  const { store, nri } = parts;

  return async ({ containerId, linux }, { signal }) => {
    const record = requireContainer(store, containerId);
    validateContainerResources(linux);
    requireChangeable(record);
    if (linux === undefined) return {};
    const release = await nri.hold(signal);
    try {
      const { resources, extra } = await nri.updateContainer(record, linux);
      await changeLimits(parts, record, resources, extra, signal);
      await nri.containerUpdated(store.container(record.id) ?? record);
    } finally {
      release();
    }
    return {};
  };
}
