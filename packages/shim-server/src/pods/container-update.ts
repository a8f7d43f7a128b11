import type { UpdateContainerResourcesRequest } from "@dockershim/cri-types";
import type { DockerContainers } from "@dockershim/docker-client";
import { planUpdate, validateContainerResources } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { CallContext } from "../call.js";
import type { CgroupLimits } from "../engine-work/cgroup-limits.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";

/** What UpdateContainerResources uses. */
export interface ContainerUpdateParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "update"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: ContainerLookup & Pick<Store, "refresh">;
  readonly cgroupLimits: CgroupLimits;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "change">;
  readonly log: Pick<Logger, "warn">;
}

/**
 * UpdateContainerResources: changes limits in place (`POST /containers/{id}/update`), and in the
 * container's cgroup those that Docker has no option for; one that was not started yet gets them
 * when it is.
 *
 * @throws ShimError `failed_precondition` for a container that has ended, as containerd does.
 */
export function createContainerUpdate(
  parts: ContainerUpdateParts,
): (request: UpdateContainerResourcesRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, engine, store, cgroupLimits, unmanagedLimits, log } = parts;
  return async ({ containerId, linux }, { signal }) => {
    const record = requireContainer(store, containerId);
    validateContainerResources(linux);
    const { Status: status, Pid: pid } = record.inspect.State;
    if (status !== "created" && status !== "running" && status !== "paused") {
      throw new ShimError("failed_precondition", `container_id: container is ${status}`);
    }
    if (linux === undefined) return {};
    const plan = planUpdate({
      resources: linux,
      engine: await engine.facts(signal),
      current: record.inspect.HostConfig,
    });
    for (const warning of plan.warnings) log.warn({ container: record.id }, warning);
    if (Object.keys(plan.body).length > 0) {
      await docker.containers.update(record.id, plan.body, { signal });
    }
    cgroupLimits.write(pid, plan.cgroupWrites);
    unmanagedLimits.change(record, linux);
    await store.refresh(record.id);
    return {};
  };
}
