import type { LinuxContainerResources } from "@dockershim/cri-types";
import { readContainerRecord } from "@dockershim/pod-sandbox";
import type { ContainerRecord } from "./records.js";
import type { Store } from "./store.js";

/** Limits for which Docker has no option: they are written to the container's cgroup. */
export type UnmanagedLimits = Pick<LinuxContainerResources, "hugepageLimits" | "unified">;

/** The limits that Docker does not keep for us, as they were changed last. */
export interface UnmanagedLimitsStore {
  /** What an update changed; undefined where the container still has what it was created with. */
  changed(id: string): UnmanagedLimits | undefined;
  /** The limits in force, or to be put in force when the container starts. */
  of(record: ContainerRecord): UnmanagedLimits;
  /** Records a change: huge pages by size and cgroup files by name replace what was there. */
  change(record: ContainerRecord, limits: UnmanagedLimits): void;
}

/** Keeps them in memory for as long as the container is there. */
export function createUnmanagedLimits(store: Pick<Store, "onChange">): UnmanagedLimitsStore {
  const byContainer = new Map<string, UnmanagedLimits>();
  store.onChange(({ id, after }) => {
    if (after === undefined) byContainer.delete(id);
  });

  function of(record: ContainerRecord): UnmanagedLimits {
    const changed = byContainer.get(record.id);
    if (changed !== undefined) return changed;
    const created = readContainerRecord(record.inspect)?.config.linux?.resources;
    return { hugepageLimits: created?.hugepageLimits ?? [], unified: created?.unified ?? {} };
  }

  return {
    changed: (id) => byContainer.get(id),
    of,
    change(record, { hugepageLimits, unified }) {
      if (hugepageLimits.length === 0 && Object.keys(unified).length === 0) return;
      const before = of(record);
      const sizes = new Set(hugepageLimits.map(({ pageSize }) => pageSize));
      byContainer.set(record.id, {
        hugepageLimits: [
          ...before.hugepageLimits.filter(({ pageSize }) => !sizes.has(pageSize)),
          ...hugepageLimits,
        ],
        unified: { ...before.unified, ...unified },
      });
    },
  };
}
