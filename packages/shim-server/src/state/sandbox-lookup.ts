import { findById, type IdLookup, requireById, requireRunningById } from "./id-lookup.js";
import type { SandboxRecord } from "./records.js";
import type { Store } from "./store.js";

/** What it takes to look a sandbox up. */
export type SandboxLookup = Pick<Store, "sandbox" | "sandboxes">;

function among(store: SandboxLookup): IdLookup<SandboxRecord> {
  const { sandbox: get, sandboxes: all } = store;
  return { field: "pod_sandbox_id", kind: "sandbox", get, all };
}

/** The sandbox that a request names; see {@link findById}. */
export function findSandbox(store: SandboxLookup, id: string): SandboxRecord | undefined {
  return findById(among(store), id);
}

/** The sandbox that a request names; see {@link requireById}. */
export function requireSandbox(store: SandboxLookup, id: string): SandboxRecord {
  return requireById(among(store), id);
}

/** The sandbox that a request wants to reach; see {@link requireRunningById}. */
export function requireRunningSandbox(store: SandboxLookup, id: string): SandboxRecord {
  return requireRunningById(among(store), id);
}
