import type { UpdateContainerResourcesRequest } from "@dockershim/cri-types";
import { planUpdate, validateContainerResources } from "@dockershim/pod-sandbox";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { requireContainer } from "../state/container-lookup.js";

/**
 * UpdateContainerResources: changes limits in place (`POST /containers/{id}/update`), and in the
 * container's cgroup those that Docker has no option for; one that was not started yet gets them
 * when it is.
 *
 * @throws ShimError `failed_precondition` for a container that has ended, as containerd does.
 */
export function createContainerUpdate(
  context: ShimContext,
): (request: UpdateContainerResourcesRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, engine, store, cgroupLimits, unmanagedLimits } = context;
  return async ({ containerId, linux }, { signal }) => {
    await context.feed.ready();
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
    for (const warning of plan.warnings) context.log.warn({ container: containerId }, warning);
    if (Object.keys(plan.body).length > 0) {
      await docker.containers.update(containerId, plan.body, { signal });
    }
    cgroupLimits.write(pid, plan.cgroupWrites);
    unmanagedLimits.change(record, linux);
    await store.refresh(containerId);
    return {};
  };
}
