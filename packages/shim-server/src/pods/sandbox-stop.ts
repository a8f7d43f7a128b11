import type { StopPodSandboxRequest } from "@dockershim/cri-types";
import { allOf } from "../async/all-of.js";
import type { CallContext } from "../call.js";
import { type HaltParts, haltContainer } from "../engine-work/container-halt.js";
import type { PodNetwork } from "../network/pod-network.js";
import type { Nri } from "../nri/nri.js";
import { hasEnded, type StoreRecord, wasStarted } from "../state/records.js";
import { findSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { Store } from "../state/store.js";

/** What StopPodSandbox uses. */
export interface SandboxStopParts extends HaltParts {
  readonly store: SandboxLookup & Pick<Store, "refreshUntil" | "record" | "containersOf">;
  readonly network: Pick<PodNetwork, "tearDown">;
  readonly nri: Pick<Nri, "containerEndTold" | "stopSandbox">;
}

/** The pause process ends at once when told to. */
const pauseGraceSeconds = 10;

/**
 * Stops a pod: its containers by force, as CRI demands, then its network and the sandbox.
 *
 * The network goes side by side with the pause process, whose namespace is held open that long;
 * each of the two takes tens of milliseconds. All steps may be repeated; an unknown
 * sandbox may still have a network to give back, when its container was removed behind our back.
 */
export async function stopSandbox(
  parts: SandboxStopParts,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { store, network, nri } = parts;
  const containers = store.containersOf(id).filter((container) => isAlive(container));
  await allOf(...containers.map((container) => haltContainer(parts, container.id, 0, signal)));
  await Promise.all(containers.map((container) => nri.containerEndTold(container.id)));
  const sandbox = store.record(id);
  // While its namespaces are there, which a plugin may want to take devices out of.
  if (sandbox?.kind === "sandbox" && isAlive(sandbox)) await nri.stopSandbox(sandbox);
  const held = Promise.withResolvers<void>();
  const down = network.tearDown(id, sandbox?.inspect.State.Pid ?? 0, signal, held.resolve);
  const halt = async (): Promise<void> => {
    await Promise.race([held.promise, down]);
    if (sandbox !== undefined && isAlive(sandbox)) {
      await haltContainer(parts, id, pauseGraceSeconds, signal);
    }
  };
  // Both come to their end before the reply: the kubelet's next try must not meet this one.
  await allOf(down, halt());
}

/** Whether a stop could change anything. */
function isAlive(record: StoreRecord): boolean {
  return wasStarted(record) && !hasEnded(record);
}

/** StopPodSandbox. */
export function createSandboxStop(
  parts: SandboxStopParts,
): (request: StopPodSandboxRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ podSandboxId }, { signal }) => {
    const id = findSandbox(parts.store, podSandboxId)?.id ?? podSandboxId;
    await stopSandbox(parts, id, signal);
    return {};
  };
}
