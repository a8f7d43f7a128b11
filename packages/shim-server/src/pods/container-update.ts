import { create } from "@bufbuild/protobuf";
import {
  LinuxContainerResourcesSchema,
  type UpdateContainerResourcesRequest,
} from "@dockershim/cri-types";
import type { DockerContainers } from "@dockershim/docker-client";
import {
  type CgroupWrite,
  type EngineFacts,
  planUpdate,
  validateContainerResources,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { CallContext } from "../call.js";
import type { CgroupLimits } from "../engine-work/cgroup-limits.js";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";

/** What UpdateContainerResources uses. */
export interface ContainerUpdateParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "update"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: ContainerLookup & Pick<Store, "refresh">;
  readonly cgroupLimits: Pick<CgroupLimits, "apply">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of" | "change">;
  readonly log: Pick<Logger, "warn">;
}

/**
 * UpdateContainerResources: changes limits in place (`POST /containers/{id}/update`), and in the
 * container's cgroup those that Docker has no option for; one that was not started yet gets them
 * when it is. What was written there before is written again: the engine's update undoes it.
 *
 * @throws ShimError `failed_precondition` for a container that has ended, as containerd does.
 */
export function createContainerUpdate(
  parts: ContainerUpdateParts,
): (request: UpdateContainerResourcesRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, engine, store, cgroupLimits, unmanagedLimits, log } = parts;

  /** What the cgroup has of our hand already. */
  function written(record: ContainerRecord, facts: EngineFacts): CgroupWrite[] {
    const limits = create(LinuxContainerResourcesSchema, unmanagedLimits.of(record));
    validateContainerResources(limits);
    const { cgroupWrites } = planUpdate({ resources: limits, engine: facts });
    // With a memory limit swap is Docker's, which knows of the update.
    const byDocker = (record.inspect.HostConfig.Memory ?? 0) > 0;
    return cgroupWrites.filter(({ file }) => file !== "memory.swap.max" || !byDocker);
  }

  return async ({ containerId, linux }, { signal }) => {
    const record = requireContainer(store, containerId);
    validateContainerResources(linux);
    const { Status: status } = record.inspect.State;
    if (status !== "created" && status !== "running" && status !== "paused") {
      throw new ShimError("failed_precondition", `container_id: container is ${status}`);
    }
    if (linux === undefined) return {};
    const facts = await engine.facts(signal);
    const plan = planUpdate({
      resources: linux,
      engine: facts,
      current: record.inspect.HostConfig,
    });
    for (const warning of plan.warnings) log.warn({ container: record.id }, warning);
    if (Object.keys(plan.body).length > 0) {
      await docker.containers.update(record.id, plan.body, { signal });
    }
    await store.refresh(record.id);
    const updated = store.container(record.id);
    if (updated === undefined) return {};
    const writes = [...written(updated, facts), ...plan.cgroupWrites];
    const latest = new Map(writes.map((write) => [write.file, write]));
    await cgroupLimits.apply(updated, [...latest.values()], facts);
    unmanagedLimits.change(updated, linux);
    await store.refresh(record.id);
    return {};
  };
}
