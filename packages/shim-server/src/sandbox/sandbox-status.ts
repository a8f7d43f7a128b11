import type {
  ContainerStatus,
  PodSandboxStatus,
  PodSandboxStatusRequest,
} from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import { containerStatus } from "../container/container-view.js";
import type { ShimContext } from "../context.js";
import { requireId } from "../require-id.js";
import { ShimError } from "../shim-error.js";
import { sandboxStatus } from "./sandbox-view.js";

interface Reply {
  status: PodSandboxStatus;
  info: Record<string, string>;
  containersStatuses: ContainerStatus[];
  timestamp: bigint;
}

/** PodSandboxStatus: from memory, with the statuses of the pod's containers (evented PLEG). */
export function createSandboxStatus(
  context: ShimContext,
): (request: PodSandboxStatusRequest) => Promise<Reply> {
  const { store, network } = context;
  return async ({ podSandboxId, verbose }) => {
    requireId("pod_sandbox_id", podSandboxId);
    await context.feed.ready();
    const record = store.sandbox(podSandboxId);
    if (record === undefined) {
      throw new ShimError("not_found", `pod_sandbox_id: no sandbox ${podSandboxId}`);
    }
    return {
      status: sandboxStatus(record, network),
      info: verbose
        ? toVerboseInfo(record.inspect, { ips: network.addresses(record.id) ?? [] })
        : {},
      containersStatuses: store
        .containersOf(record.id)
        .map((container) => containerStatus(container, context)),
      timestamp: BigInt(Date.now()) * 1_000_000n,
    };
  };
}
