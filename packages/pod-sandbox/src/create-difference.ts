import type { ContainerPlan } from "./container-plan.js";
import type { HostConfig, UpdateContainerBody } from "./docker-create.js";
import { RECORD_LABEL } from "./labels.js";

/** What it takes to make a container that was created by one plan as another one has it. */
export type CreateDifference =
  | { readonly kind: "none" }
  | { readonly kind: "limits"; readonly body: UpdateContainerBody }
  /** Docker cannot change it. */
  | { readonly kind: "other" };

/** What `POST /containers/{id}/update` can set, though not take away. */
const updatable: readonly (keyof UpdateContainerBody)[] = [
  "CpuShares",
  "CpuPeriod",
  "CpuQuota",
  "CpusetCpus",
  "CpusetMems",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
  "Memory",
  "MemoryReservation",
  "MemorySwap",
  "PidsLimit",
];

/** Compares two plans of one container, of which only the second is wanted any more. */
export function createDifference(made: ContainerPlan, wanted: ContainerPlan): CreateDifference {
  if (contentOf(made) !== contentOf(wanted)) return { kind: "other" };
  const [before, after] = [made.body.HostConfig, wanted.body.HostConfig];
  const changed = updatable.filter((key) => before[key] !== after[key]);
  if (changed.length === 0) return { kind: "none" };
  if (changed.some((key) => after[key] === undefined)) return { kind: "other" };
  return { kind: "limits", body: Object.fromEntries(changed.map((key) => [key, after[key]])) };
}

/** All that a plan says, but for limits that can be changed; the record repeats those. */
function contentOf({ body, cgroupWrites }: ContainerPlan): string {
  const { HostConfig: host, Labels: labels, ...rest } = body;
  const { [RECORD_LABEL]: _record, ...others } = labels;
  const kept: Partial<HostConfig> = { ...host };
  for (const key of updatable) delete kept[key];
  return JSON.stringify(sorted({ rest, others, kept, cgroupWrites }));
}

/** With the keys of all objects in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
