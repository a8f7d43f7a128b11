import type { ContainerStatus, ContainerStatusRequest } from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import { requireContainer } from "../state/container-lookup.js";
import { containerStatus } from "./container-view.js";

interface Reply {
  status: ContainerStatus;
  info: Record<string, string>;
}

/** The status of a container, from memory. */
export function containerStatusReply(
  context: Pick<ShimContext, "store" | "images" | "unmanagedLimits">,
  { containerId, verbose }: Pick<ContainerStatusRequest, "containerId" | "verbose">,
): Reply {
  const record = requireContainer(context.store, containerId);
  return {
    status: containerStatus(record, context),
    info: verbose ? toVerboseInfo(record.inspect) : {},
  };
}

/** ContainerStatus. */
export function createContainerStatus(
  context: ShimContext,
): (request: ContainerStatusRequest) => Promise<Reply> {
  return async (request) => {
    await context.feed.ready();
    return containerStatusReply(context, request);
  };
}
