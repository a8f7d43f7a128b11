import { create } from "@bufbuild/protobuf";
import { LinuxContainerResourcesSchema, type StartContainerRequest } from "@dockershim/cri-types";
import { isDockerError } from "@dockershim/docker-client";
import { planResources } from "@dockershim/pod-sandbox";
import type { CallContext, ShimContext } from "../context.js";
import { haltContainer } from "../engine-work/container-halt.js";
import { ShimError } from "../shim-error.js";
import { requireContainer } from "../state/container-lookup.js";
import type { ContainerRecord } from "../state/records.js";

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
  const { docker, engine, store, logs, cgroupLimits, unmanagedLimits } = context;

  /** The cgroup exists since the start only, so this is as early as such limits can be set. */
  async function limit(record: ContainerRecord, signal: AbortSignal): Promise<void> {
    const limits = create(LinuxContainerResourcesSchema, unmanagedLimits.of(record));
    const { cgroupWrites } = planResources(limits, await engine.facts(signal));
    try {
      cgroupLimits.write(record.inspect.State.Pid, cgroupWrites);
    } catch (err) {
      // It must not run without a limit that it was asked to have.
      await haltContainer(context, record.id, 0, signal);
      throw err;
    }
  }

  return async ({ containerId }, { signal }) => {
    await context.feed.ready();
    const record = requireContainer(store, containerId);
    const { Status: status } = record.inspect.State;
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
    if (started !== undefined) await limit(started, signal);
    if (started !== undefined) await logs.started(started);
    return {};
  };
}
