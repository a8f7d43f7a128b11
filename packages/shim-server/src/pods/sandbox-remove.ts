import type { RemovePodSandboxRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import { destroyContainer } from "../engine-work/container-halt.js";
import type { Nri } from "../nri/nri.js";
import { findSandbox } from "../state/sandbox-lookup.js";
import { type ContainerRemoveParts, removeContainer } from "./container-remove.js";
import { type SandboxStopParts, stopSandbox } from "./sandbox-stop.js";

/** What RemovePodSandbox uses. */
export interface SandboxRemoveParts extends SandboxStopParts, ContainerRemoveParts {
  readonly docker: SandboxStopParts["docker"] & ContainerRemoveParts["docker"];
  readonly store: SandboxStopParts["store"] & ContainerRemoveParts["store"];
  readonly nri: SandboxStopParts["nri"] &
    ContainerRemoveParts["nri"] &
    Pick<Nri, "hold" | "removeSandbox">;
}

/** Removes a sandbox with the containers left in it; whatever is gone already is fine. */
export async function removeSandbox(
  parts: SandboxRemoveParts,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  await stopSandbox(parts, id, signal);
  const containers = parts.store.containersOf(id);
  await Promise.all(containers.map((container) => removeContainer(parts, container, signal)));
  const sandbox = parts.store.record(id);
  if (sandbox?.kind !== "sandbox") return;
  const release = await parts.nri.hold(signal);
  try {
    await parts.nri.removeSandbox(sandbox);
    await destroyContainer(parts, id, signal);
  } finally {
    release();
  }
}

/** RemovePodSandbox. */
export function createSandboxRemove(
  parts: SandboxRemoveParts,
): (request: RemovePodSandboxRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ podSandboxId }, { signal }) => {
    const id = findSandbox(parts.store, podSandboxId)?.id ?? podSandboxId;
    await removeSandbox(parts, id, signal);
    return {};
  };
}
