import type {
  ContainerStatus,
  PodSandboxStatus,
  PodSandboxStatusRequest,
} from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import type { PodNetwork } from "../network/pod-network.js";
import type { PodResources } from "../state/pod-resources.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { Store } from "../state/store.js";
import { type ContainerViewParts, containerStatus } from "./container-view.js";
import { sandboxStatus } from "./sandbox-view.js";

/** What PodSandboxStatus uses. */
export interface SandboxStatusParts extends ContainerViewParts {
  readonly store: SandboxLookup & Pick<Store, "containersOf">;
  readonly network: Pick<PodNetwork, "addresses">;
  readonly podResources: Pick<PodResources, "get">;
}

interface Reply {
  status: PodSandboxStatus;
  info: Record<string, string>;
  containersStatuses: ContainerStatus[];
  timestamp: bigint;
}

/** When a status was taken, in ns since the epoch. */
export function statusTimestamp(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

/** The status of a sandbox and of its containers (for evented PLEG), from memory. */
export function sandboxStatusReply(
  parts: SandboxStatusParts,
  { podSandboxId, verbose }: Pick<PodSandboxStatusRequest, "podSandboxId" | "verbose">,
): Reply {
  const { store, network } = parts;
  const record = requireSandbox(store, podSandboxId);
  return {
    status: sandboxStatus(record, network),
    info: verbose ? verboseInfo(parts, record) : {},
    containersStatuses: store
      .containersOf(record.id)
      .map((container) => containerStatus(container, parts)),
    timestamp: statusTimestamp(),
  };
}

function verboseInfo(
  { network, podResources }: Pick<SandboxStatusParts, "network" | "podResources">,
  record: SandboxRecord,
): Record<string, string> {
  return toVerboseInfo(record.inspect, {
    ips: network.addresses(record.id) ?? [],
    ...podResources.get(record.id),
  });
}

/** PodSandboxStatus. */
export function createSandboxStatus(
  parts: SandboxStatusParts,
): (request: PodSandboxStatusRequest) => Promise<Reply> {
  return async (request) => {
    return sandboxStatusReply(parts, request);
  };
}
