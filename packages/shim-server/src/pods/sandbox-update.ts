import type { UpdatePodSandboxResourcesRequest } from "@dockershim/cri-types";
import { validateContainerResources } from "@dockershim/pod-sandbox";
import type { CallContext } from "../call.js";
import type { Nri } from "../nri/nri.js";
import type { PodResources } from "../state/pod-resources.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";

/** What UpdatePodSandboxResources uses. */
export interface SandboxUpdateParts {
  readonly store: SandboxLookup;
  readonly podResources: Pick<PodResources, "set">;
  readonly nri: Pick<Nri, "hold" | "updateSandbox" | "sandboxUpdated">;
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
  nri,
}: SandboxUpdateParts): (
  request: UpdatePodSandboxResourcesRequest,
  call: CallContext,
) => Promise<Record<string, never>> {
  return async ({ podSandboxId, overhead, resources }, { signal }) => {
    const sandbox = requireSandbox(store, podSandboxId);
    validateContainerResources(overhead, "overhead");
    validateContainerResources(resources, "resources");
    const release = await nri.hold(signal);
    try {
      await nri.updateSandbox(sandbox, overhead, resources);
      podResources.set(sandbox.id, overhead, resources);
      await nri.sandboxUpdated(sandbox);
    } finally {
      release();
    }
    return {};
  };
}
