import type { EngineFacts } from "@dockershim/pod-sandbox";
import type { Store } from "../state/store.js";
import type { UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import type { CgroupLimits } from "./cgroup-limits.js";

/** What it takes to learn which limits an earlier daemon has set. */
export interface AdoptLimitsParts {
  readonly store: Pick<Store, "containers">;
  readonly cgroupLimits: Pick<CgroupLimits, "adopt">;
  readonly unmanagedLimits: Pick<UnmanagedLimitsStore, "of" | "change">;
}

/**
 * Takes over the cgroup files that containers were created with as they are now: an earlier daemon may
 * have updated them, and Docker does not know.
 */
export function adoptLimits(parts: AdoptLimitsParts, engine: EngineFacts): void {
  const { store, cgroupLimits, unmanagedLimits } = parts;
  for (const record of store.containers()) {
    const { unified: created } = unmanagedLimits.of(record);
    const now = cgroupLimits.adopt(record, Object.keys(created), engine);
    const changed = Object.entries(now).filter(
      ([file, value]) => value !== created[file] && value !== `default ${created[file]}`,
    );
    unmanagedLimits.change(record, { hugepageLimits: [], unified: Object.fromEntries(changed) });
  }
}
