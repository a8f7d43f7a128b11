import type { StartContainerRequest } from "@dockershim/cri-types";
import { isDockerError } from "@dockershim/docker-client";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { requireContainer } from "./container-lookup.js";

/**
 * StartContainer: starts a created container.
 *
 * @throws ShimError `failed_precondition` for one that was started before: CRI containers run
 * once. `internal` with the engine's words when it cannot be started, whatever status the engine
 * gives that (a missing executable is a 404 there).
 */
export function createContainerStart(
  context: ShimContext,
): (request: StartContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, store, logs } = context;
  return async ({ containerId }, { signal }) => {
    await context.feed.ready();
    const { Status: status } = requireContainer(store, containerId).inspect.State;
    if (status !== "created") {
      throw new ShimError("failed_precondition", `container_id: container is ${status}`);
    }
    try {
      await docker.containers.start(containerId, { signal });
    } catch (err) {
      await store.refresh(containerId);
      if (!isDockerError(err, "not_found", "invalid_argument", "server_error", "conflict"))
        throw err;
      requireContainer(store, containerId);
      throw new ShimError("internal", `could not start the container: ${err.engineMessage}`, {
        cause: err,
      });
    }
    await store.refresh(containerId);
    const started = store.container(containerId);
    if (started !== undefined) await logs.started(started);
    return {};
  };
}
