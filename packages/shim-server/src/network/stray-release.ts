import type { Logger } from "pino";
import type { Store } from "../state/store.js";
import type { PodNetwork } from "./pod-network.js";

/** Gives back the networks of sandboxes that are no more; see {@link createStrayRelease}. */
export interface StrayRelease {
  /** Compares the network's records with the store, which has just been read in full. */
  collect(): void;
  /** Breaks off what is being released; the next daemon finds it again. */
  close(): Promise<void>;
}

/**
 * Releases the network of a sandbox that disappears without StopPodSandbox: removed behind our
 * back, or while the daemon was away. Nobody would ask for it any more, and its address would be
 * lost.
 */
export function createStrayRelease(parts: {
  readonly store: Store;
  readonly network: PodNetwork;
  readonly log: Logger;
}): StrayRelease {
  const { store, network, log } = parts;
  const running = new Set<Promise<void>>();
  const closing = new AbortController();

  function release(sandboxId: string): void {
    log.warn({ sandbox: sandboxId }, "releasing the network of a sandbox that is gone");
    const work = network
      .tearDown(sandboxId, 0, closing.signal)
      .catch((err) => log.warn({ err, sandbox: sandboxId }, "could not release a network"))
      .finally(() => running.delete(work));
    running.add(work);
  }

  const stop = store.onChange(({ before, after }) => {
    if (after !== undefined || before?.kind !== "sandbox") return;
    // RemovePodSandbox has taken it off the network before it removes the container.
    if (network.addresses(before.id, 0)?.length) release(before.id);
  });

  async function collect(): Promise<void> {
    for (const sandboxId of await network.attached()) {
      if (store.record(sandboxId) === undefined) release(sandboxId);
    }
  }

  return {
    collect() {
      const work = collect()
        .catch((err) => log.warn({ err }, "could not look for networks without a sandbox"))
        .finally(() => running.delete(work));
      running.add(work);
    },
    async close() {
      stop();
      closing.abort();
      while (running.size > 0) await Promise.all(running);
    },
  };
}
