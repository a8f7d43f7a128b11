import type { RuntimePortForwardRequest } from "@dockershim/streaming";
import type { ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import type { Store } from "../state/store.js";
import type { PodDialer } from "./pod-dialer.js";
import { splice } from "./splice.js";

/** Joins one connection of a port-forward client with a port of its sandbox. */
export function createPortForwardSession(
  { store, feed }: Pick<ShimContext, "store" | "feed">,
  dial: PodDialer,
): (request: RuntimePortForwardRequest) => Promise<void> {
  return async ({ podSandboxId, port, stream, signal }) => {
    await feed.ready();
    const pod = await dial(requireRunningSandbox(store, podSandboxId), port, signal);
    await splice(stream, pod);
  };
}

/**
 * The sandbox that a request wants to reach.
 *
 * @throws ShimError `not_found`, and `failed_precondition` for one that does not run.
 */
export function requireRunningSandbox(store: Pick<Store, "sandbox">, id: string): SandboxRecord {
  const sandbox = requireSandbox(store, id);
  const { Status: status } = sandbox.inspect.State;
  if (status !== "running") {
    throw new ShimError("failed_precondition", `pod_sandbox_id: sandbox ${id} is ${status}`);
  }
  return sandbox;
}
