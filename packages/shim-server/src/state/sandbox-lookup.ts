import { ShimError } from "../shim-error.js";
import type { SandboxRecord } from "./records.js";
import { requireId } from "./require-id.js";
import type { Store } from "./store.js";

/**
 * The sandbox that a request names.
 *
 * @throws ShimError `invalid_argument` for what is no id, `not_found` for an unknown sandbox.
 */
export function requireSandbox(store: Pick<Store, "sandbox">, id: string): SandboxRecord {
  requireId("pod_sandbox_id", id);
  const record = store.sandbox(id);
  if (record === undefined) throw new ShimError("not_found", `pod_sandbox_id: no sandbox ${id}`);
  return record;
}
