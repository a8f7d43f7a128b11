import type { UpdatePodSandboxResourcesRequest } from "@dockershim/cri-types";
import { validateContainerResources } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import { requireSandbox } from "../state/sandbox-lookup.js";

/**
 * UpdatePodSandboxResources: the kubelet tells that it has resized a pod.
 *
 * The pod's cgroup is the kubelet's, and Docker has nothing at pod level to change: what was told
 * is kept for verbose PodSandboxStatus. Containers are resized by UpdateContainerResources.
 */
export function createSandboxUpdate(
  context: Pick<ShimContext, "feed" | "store" | "podResources">,
): (request: UpdatePodSandboxResourcesRequest) => Promise<Record<string, never>> {
  const { feed, store, podResources } = context;
  return async ({ podSandboxId, overhead, resources }) => {
    await feed.ready();
    const { id } = requireSandbox(store, podSandboxId);
    validateContainerResources(overhead, "overhead");
    validateContainerResources(resources, "resources");
    podResources.set(id, overhead, resources);
    return {};
  };
}
