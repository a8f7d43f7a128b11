import type { ReopenContainerLogRequest } from "@dockershim/cri-types";
import type { CallContext, ShimContext } from "../context.js";
import { requireRunning } from "../state/container-lookup.js";

/**
 * ReopenContainerLog: after the kubelet has renamed a log, goes on in a new file at its path. On
 * return that file is there; no line is lost or doubled.
 *
 * @throws ShimError `failed_precondition` for a container that is not running, `unimplemented` for
 * one whose log Docker writes itself.
 */
export function createContainerLogReopen(
  context: Pick<ShimContext, "feed" | "store" | "logs">,
): (request: ReopenContainerLogRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ containerId }) => {
    await context.feed.ready();
    await context.logs.reopen(requireRunning(context.store, containerId));
    return {};
  };
}
