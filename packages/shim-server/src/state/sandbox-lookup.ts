import { ShimError } from "../shim-error.js";
import { findById } from "./id-lookup.js";
import type { SandboxRecord } from "./records.js";
import type { Store } from "./store.js";

/** What it takes to look a sandbox up. */
export type SandboxLookup = Pick<Store, "sandbox" | "sandboxes">;

/**
 * The sandbox that a request names, by id or by an unambiguous prefix of it.
 *
 * @returns Undefined for a whole id that is unknown.
 * @throws ShimError like {@link findById}.
 */
export function findSandbox(store: SandboxLookup, id: string): SandboxRecord | undefined {
  return findById(
    { field: "pod_sandbox_id", kind: "sandbox", get: store.sandbox, all: store.sandboxes },
    id,
  );
}

/**
 * The sandbox that a request names.
 *
 * @throws ShimError like {@link findSandbox}, and `not_found` for an unknown sandbox.
 */
export function requireSandbox(store: SandboxLookup, id: string): SandboxRecord {
  const record = findSandbox(store, id);
  if (record === undefined) throw new ShimError("not_found", `pod_sandbox_id: no sandbox ${id}`);
  return record;
}

/**
 * The sandbox that a request wants to reach.
 *
 * @throws ShimError like {@link requireSandbox}, and `failed_precondition` for one that does not
 * run.
 */
export function requireRunningSandbox(store: SandboxLookup, id: string): SandboxRecord {
  const sandbox = requireSandbox(store, id);
  const { Status: status } = sandbox.inspect.State;
  if (status !== "running") {
    throw new ShimError("failed_precondition", `pod_sandbox_id: sandbox ${id} is ${status}`);
  }
  return sandbox;
}
