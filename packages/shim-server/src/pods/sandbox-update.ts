import type { UpdatePodSandboxResourcesRequest } from "@dockershim/cri-types";
import { validateContainerResources } from "@dockershim/pod-sandbox";
import type { PodResources } from "../state/pod-resources.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";

/** What UpdatePodSandboxResources uses. */
export interface SandboxUpdateParts {
  readonly store: SandboxLookup;
  readonly podResources: Pick<PodResources, "set">;
}

/**
 * UpdatePodSandboxResources: the kubelet tells that it has resized a pod.
 *
 * The pod's cgroup is the kubelet's, and Docker has nothing at pod level to change: what was told
 * is kept for verbose PodSandboxStatus. Containers are resized by UpdateContainerResources.
 */
export function createSandboxUpdate({
  store,
  podResources,
}: SandboxUpdateParts): (
  request: UpdatePodSandboxResourcesRequest,
) => Promise<Record<string, never>> {
  return async ({ podSandboxId, overhead, resources }) => {
    const { id } = requireSandbox(store, podSandboxId);
    validateContainerResources(overhead, "overhead");
    validateContainerResources(resources, "resources");
    podResources.set(id, overhead, resources);
    return {};
  };
}
