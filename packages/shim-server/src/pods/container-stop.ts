import type { StopContainerRequest } from "@dockershim/cri-types";
import type { CallContext, ShimContext } from "../context.js";
import { haltContainer } from "../engine-work/container-halt.js";
import { ShimError } from "../shim-error.js";
import { requireId } from "../state/require-id.js";

/** StopContainer: the stop signal, then SIGKILL after `timeout` seconds. */
export function createContainerStop(
  context: ShimContext,
): (request: StopContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ containerId, timeout }, { signal }) => {
    requireId("container_id", containerId);
    if (timeout < 0n) throw new ShimError("invalid_argument", "timeout: must not be negative");
    await context.feed.ready();
    // One that never ran or runs no more has nothing to stop; Docker would "stop" a created one.
    const status = context.store.container(containerId)?.inspect.State.Status;
    if (status === "running" || status === "paused" || status === "restarting") {
      await haltContainer(context, containerId, Number(timeout), signal);
    }
    return {};
  };
}
