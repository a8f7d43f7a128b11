import type { RemovePodSandboxRequest } from "@dockershim/cri-types";
import type { CallContext, ShimContext } from "../context.js";
import { destroyContainer } from "../engine-work/container-halt.js";
import { requireId } from "../state/require-id.js";
import { removeContainer } from "./container-remove.js";
import { stopSandbox } from "./sandbox-stop.js";

type Parts = Pick<ShimContext, "docker" | "store" | "network" | "logs">;

/** Removes a sandbox with the containers left in it; whatever is gone already is fine. */
export async function removeSandbox(parts: Parts, id: string, signal: AbortSignal): Promise<void> {
  await stopSandbox(parts, id, signal);
  const containers = parts.store.containersOf(id);
  await Promise.all(containers.map((container) => removeContainer(parts, container.id, signal)));
  if (parts.store.sandbox(id) !== undefined) await destroyContainer(parts, id, signal);
}

/** RemovePodSandbox. */
export function createSandboxRemove(
  context: ShimContext,
): (request: RemovePodSandboxRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ podSandboxId }, { signal }) => {
    requireId("pod_sandbox_id", podSandboxId);
    await context.feed.ready();
    await removeSandbox(context, podSandboxId, signal);
    return {};
  };
}
