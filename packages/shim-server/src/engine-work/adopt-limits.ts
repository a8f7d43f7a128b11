import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import type { CgroupLimits } from "./cgroup-limits.js";

/** What it takes to learn which limits an earlier daemon has set. */
export interface AdoptLimitsParts {
  readonly store: Pick<Store, "containers" | "onChange">;
  readonly engine: Pick<Engine, "known">;
  readonly cgroupLimits: Pick<CgroupLimits, "adopt">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of" | "change">;
}

/**
 * Takes over the cgroup files that containers were created with as they are now: an earlier daemon may
 * have updated them, and Docker does not know. That is done for those that run when they are first
 * seen, or when they can first be inspected; what was seen before its start gets its limits from us.
 *
 * @returns What ends it.
 */
export function adoptLimits(parts: AdoptLimitsParts): () => void {
  const { store, engine, cgroupLimits, unmanagedLimits } = parts;
  const seen = new Set<string>();

  function look(record: ContainerRecord): void {
    const { id, inspect } = record;
    const { Pid: pid, Status: status } = inspect.State;
    if (seen.has(id) || (pid <= 0 && status !== "created")) return;
    seen.add(id);
    if (pid <= 0) return;
    const { unified: created } = unmanagedLimits.of(record);
    const now = cgroupLimits.adopt(record, created, engine.known().facts);
    const changed = Object.entries(now).filter(
      ([file, value]) => value !== created[file] && value !== `default ${created[file]}`,
    );
    unmanagedLimits.change(record, { hugepageLimits: [], unified: Object.fromEntries(changed) });
  }

  for (const record of store.containers()) look(record);
  return store.onChange(({ id, after }) => {
    if (after === undefined) seen.delete(id);
    else if (after.kind === "container") look(after);
  });
}
