import type {
  ContainerStatus,
  PodSandboxStatus,
  PodSandboxStatusRequest,
} from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import { containerStatus } from "./container-view.js";
import { sandboxStatus } from "./sandbox-view.js";

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
  context: Pick<ShimContext, "store" | "network" | "images" | "unmanagedLimits" | "podResources">,
  { podSandboxId, verbose }: Pick<PodSandboxStatusRequest, "podSandboxId" | "verbose">,
): Reply {
  const { store, network } = context;
  const record = requireSandbox(store, podSandboxId);
  return {
    status: sandboxStatus(record, network),
    info: verbose ? verboseInfo(context, record) : {},
    containersStatuses: store
      .containersOf(record.id)
      .map((container) => containerStatus(container, context)),
    timestamp: statusTimestamp(),
  };
}

function verboseInfo(
  { network, podResources }: Pick<ShimContext, "network" | "podResources">,
  record: SandboxRecord,
): Record<string, string> {
  return toVerboseInfo(record.inspect, {
    ips: network.addresses(record.id) ?? [],
    ...podResources.get(record.id),
  });
}

/** PodSandboxStatus. */
export function createSandboxStatus(
  context: ShimContext,
): (request: PodSandboxStatusRequest) => Promise<Reply> {
  return async (request) => {
    await context.feed.ready();
    return sandboxStatusReply(context, request);
  };
}
