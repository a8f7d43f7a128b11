import type { RuntimePortForwardRequest } from "@dockershim/streaming";
import { requireRunningSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { PodDialer } from "./pod-dialer.js";
import { splice } from "./splice.js";

/** Joins one connection of a port-forward client with a port of its sandbox. */
export function createPortForwardSession(
  store: SandboxLookup,
  dial: PodDialer,
): (request: RuntimePortForwardRequest) => Promise<void> {
  return async ({ podSandboxId, port, stream, signal }) => {
    const pod = await dial(requireRunningSandbox(store, podSandboxId), port, signal);
    await splice(stream, pod);
  };
}
