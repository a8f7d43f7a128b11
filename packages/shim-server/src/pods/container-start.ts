import { create } from "@bufbuild/protobuf";
import { LinuxContainerResourcesSchema, type StartContainerRequest } from "@dockershim/cri-types";
import type { DockerContainers } from "@dockershim/docker-client";
import { isDockerError } from "@dockershim/docker-client";
import { planResources, validateContainerResources } from "@dockershim/pod-sandbox";
import type { CallContext } from "../call.js";
import type { CgroupLimits } from "../engine-work/cgroup-limits.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";

/** What StartContainer uses. */
export interface ContainerStartParts extends HaltParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "start" | "stop"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: ContainerLookup & Pick<Store, "refresh">;
  readonly logs: Pick<ContainerLogs, "started">;
  readonly cgroupLimits: CgroupLimits;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of">;
}

/**
 * StartContainer: starts a created container.
 *
 * @throws ShimError `failed_precondition` for one that was started before: CRI containers run
 * once. `internal` with the engine's words when it cannot be started, whatever status the engine
 * gives that (a missing executable is a 404 there).
 */
export function createContainerStart(
  parts: ContainerStartParts,
): (request: StartContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, engine, store, logs, cgroupLimits, unmanagedLimits } = parts;

  /** The cgroup exists since the start only, so this is as early as such limits can be set. */
  async function limit(record: ContainerRecord, signal: AbortSignal): Promise<void> {
    const limits = create(LinuxContainerResourcesSchema, unmanagedLimits.of(record));
    validateContainerResources(limits);
    const { cgroupWrites } = planResources(limits, await engine.facts(signal));
    try {
      cgroupLimits.write(record.inspect.State.Pid, cgroupWrites);
    } catch (err) {
      // It must not run without a limit that it was asked to have.
      await haltContainer(parts, record.id, 0, signal);
      throw err;
    }
  }

  return async ({ containerId }, { signal }) => {
    const record = requireContainer(store, containerId);
    const { Status: status } = record.inspect.State;
    if (status !== "created") {
      throw new ShimError("failed_precondition", `container_id: container is ${status}`);
    }
    try {
      await docker.containers.start(record.id, { signal });
    } catch (err) {
      await store.refresh(record.id);
      if (!isDockerError(err, "not_found", "invalid_argument", "server_error", "conflict"))
        throw err;
      requireContainer(store, record.id);
      throw new ShimError("internal", `could not start the container: ${err.engineMessage}`, {
        cause: err,
      });
    }
    await store.refresh(record.id);
    const started = store.container(record.id);
    if (started !== undefined) await limit(started, signal);
    if (started !== undefined) await logs.started(started);
    return {};
  };
}
