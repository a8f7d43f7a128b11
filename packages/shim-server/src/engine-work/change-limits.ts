import { create } from "@bufbuild/protobuf";
import { LinuxContainerResourcesSchema } from "@dockershim/cri-types";
import type { DockerContainers } from "@dockershim/docker-client";
import {
  type CgroupWrite,
  type EngineFacts,
  planUpdate,
  type UpdateContainerBody,
  type ValidContainerResources,
  validateContainerResources,
} from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import type { CgroupLimits } from "./cgroup-limits.js";

/** What it takes to change a container's limits. */
export interface ChangeLimitsParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "update"> };
  readonly engine: Pick<Engine, "facts">;
  readonly store: Pick<Store, "container" | "refresh">;
  readonly cgroupLimits: Pick<CgroupLimits, "apply">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of" | "change">;
  readonly log: Pick<Logger, "warn">;
}

/**
 * Changes limits in place (`POST /containers/{id}/update`), and in the container's cgroup those that
 * Docker has no option for; one that was not started yet gets them when it is. What was written there
 * before is written again: the engine's update undoes it.
 *
 * @param extra Limits that CRI has no field for.
 * @throws ShimError `failed_precondition` for a container that has ended, as containerd does.
 */
export async function changeLimits(
  parts: ChangeLimitsParts,
  record: ContainerRecord,
  resources: ValidContainerResources,
  extra: UpdateContainerBody,
  signal: AbortSignal,
): Promise<void> {
  const { docker, engine, store, cgroupLimits, unmanagedLimits, log } = parts;
  requireChangeable(record);
  const facts = await engine.facts(signal);
  const plan = planUpdate({ resources, engine: facts, current: record.inspect.HostConfig });
  for (const warning of plan.warnings) log.warn({ container: record.id }, warning);
  const body = { ...plan.body, ...extra };
  if (Object.keys(body).length > 0) await docker.containers.update(record.id, body, { signal });
  await store.refresh(record.id);
  const updated = store.container(record.id);
  if (updated === undefined) return;
  const writes = [...written(updated, unmanagedLimits, facts), ...plan.cgroupWrites];
  const latest = new Map(writes.map((write) => [write.file, write]));
  await cgroupLimits.apply(updated, [...latest.values()], facts);
  unmanagedLimits.change(updated, resources);
  await store.refresh(record.id);
}

/** @throws ShimError `failed_precondition` for a container that has ended. */
export function requireChangeable({ inspect }: ContainerRecord): void {
  const { Status: status } = inspect.State;
  if (status === "created" || status === "running" || status === "paused") return;
  throw new ShimError("failed_precondition", `container_id: container is ${status}`);
}

/** What the cgroup has of our hand already. */
function written(
  record: ContainerRecord,
  unmanagedLimits: Pick<UnmanagedLimitsStore, "of">,
  facts: EngineFacts,
): CgroupWrite[] {
  const limits = create(LinuxContainerResourcesSchema, unmanagedLimits.of(record));
  validateContainerResources(limits);
  const { cgroupWrites } = planUpdate({ resources: limits, engine: facts });
  // With a memory limit swap is Docker's, which knows of the update.
  const byDocker = (record.inspect.HostConfig.Memory ?? 0) > 0;
  return cgroupWrites.filter(({ file }) => file !== "memory.swap.max" || !byDocker);
}
