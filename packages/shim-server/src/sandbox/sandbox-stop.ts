import type { StopPodSandboxRequest } from "@dockershim/cri-types";
import { haltContainer } from "../container/container-halt.js";
import type { CallContext, ShimContext } from "../context.js";
import { requireId } from "../require-id.js";

/** The pause process ends at once when told to. */
const pauseGraceSeconds = 10;

type Parts = Pick<ShimContext, "docker" | "store" | "network">;

/**
 * Stops a pod: its containers by force, as CRI demands, then its network, then the sandbox.
 *
 * The network goes while its namespace still exists. All steps may be repeated; an unknown
 * sandbox may still have a network to give back, when its container was removed behind our back.
 */
export async function stopSandbox(parts: Parts, id: string, signal: AbortSignal): Promise<void> {
  const { store, network } = parts;
  const containers = store.containersOf(id).filter((container) => isAlive(container));
  await Promise.all(containers.map((container) => haltContainer(parts, container.id, 0, signal)));
  const sandbox = store.sandbox(id);
  await network.tearDown(id, sandbox?.inspect.State.Pid ?? 0, signal);
  if (sandbox !== undefined && isAlive(sandbox)) {
    await haltContainer(parts, id, pauseGraceSeconds, signal);
  }
}

/** Whether a stop could change anything. */
function isAlive(record: { readonly inspect: { readonly State: { readonly Status: string } } }) {
  return !["created", "exited", "dead"].includes(record.inspect.State.Status);
}

/** StopPodSandbox. */
export function createSandboxStop(
  context: ShimContext,
): (request: StopPodSandboxRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ podSandboxId }, { signal }) => {
    requireId("pod_sandbox_id", podSandboxId);
    await context.feed.ready();
    await stopSandbox(context, podSandboxId, signal);
    return {};
  };
}
