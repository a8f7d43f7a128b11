import type { ContainerStatus, ContainerStatusRequest } from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import { requireContainer } from "./container-lookup.js";
import { containerStatus } from "./container-view.js";

/** ContainerStatus: from memory. */
export function createContainerStatus(
  context: ShimContext,
): (
  request: ContainerStatusRequest,
) => Promise<{ status: ContainerStatus; info: Record<string, string> }> {
  return async ({ containerId, verbose }) => {
    await context.feed.ready();
    const record = requireContainer(context.store, containerId);
    return {
      status: containerStatus(record, context),
      info: verbose ? toVerboseInfo(record.inspect) : {},
    };
  };
}
