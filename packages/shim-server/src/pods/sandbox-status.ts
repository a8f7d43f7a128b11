import type { PodSandboxStatus, PodSandboxStatusRequest } from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import type { PodNetwork } from "../network/pod-network.js";
import type { PodResources } from "../state/pod-resources.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import { sandboxStatus } from "./sandbox-view.js";

/** What PodSandboxStatus uses. */
export interface SandboxStatusParts {
  readonly store: SandboxLookup;
  readonly network: Pick<PodNetwork, "addresses">;
  readonly podResources: Pick<PodResources, "get">;
}

/**
 * CRI's `timestamp` and `containers_statuses` stay empty, as with containerd: a kubelet with the feature gate
 * EventedPLEG takes a pod's containers from here when the timestamp is set, and then misses which of them
 * are of the current sandbox (Kubernetes 1.37, `GetPodStatus`), so that it runs init containers again and
 * again. Without it the kubelet asks for each container's status.
 */
interface Reply {
  status: PodSandboxStatus;
  info: Record<string, string>;
}

/** The status of a sandbox, from memory. */
export function sandboxStatusReply(
  parts: SandboxStatusParts,
  { podSandboxId, verbose }: Pick<PodSandboxStatusRequest, "podSandboxId" | "verbose">,
): Reply {
  const { store, network } = parts;
  const record = requireSandbox(store, podSandboxId);
  return {
    status: sandboxStatus(record, network),
    info: verbose ? verboseInfo(parts, record) : {},
  };
}

function verboseInfo(
  { network, podResources }: Pick<SandboxStatusParts, "network" | "podResources">,
  record: SandboxRecord,
): Record<string, string> {
  return toVerboseInfo(record.inspect, {
    ips: network.addresses(record.id, record.inspect.State.Pid) ?? [],
    ...podResources.get(record.id),
  });
}

/** PodSandboxStatus. */
export function createSandboxStatus(
  parts: SandboxStatusParts,
): (request: PodSandboxStatusRequest) => Promise<Reply> {
  return async (request) => sandboxStatusReply(parts, request);
}
