import { setTimeout as delay } from "node:timers/promises";
import { endProgram, type Program, startProgram } from "../processes.ts";

/** How often a daemon was killed, and how long it was away at most until it served again, in ms. */
export interface DaemonKills<T> {
  readonly kills: number;
  readonly longestMs: number;
  /** What came of the work meanwhile. */
  readonly result: T;
}

/**
 * Does something while a cluster's daemon is killed with -9 again and again, and started again at
 * once. On return the daemon serves.
 *
 * @param work Told by its signal that there is no daemon any more.
 * @param everyMs How long after a start the daemon is killed.
 * @throws Why the daemon could not be started again, at once and whatever the work does; else what
 * the work throws.
 */
export async function underKills<T>(
  folder: string,
  daemon: Program,
  work: (signal: AbortSignal) => Promise<T>,
  everyMs = 20_000,
): Promise<DaemonKills<T>> {
  const over = new AbortController();
  const broken = new AbortController();
  let kills = 0;
  let longestMs = 0;

  async function killUntilOver(): Promise<void> {
    for (;;) {
      await delay(everyMs, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      const begin = performance.now();
      await endProgram(folder, daemon.name, 0);
      kills++;
      await startProgram(folder, daemon);
      longestMs = Math.max(longestMs, performance.now() - begin);
    }
  }

  const failure = new Promise<never>((_resolve, reject) => {
    broken.signal.addEventListener("abort", () => reject(broken.signal.reason));
  });
  const killing = killUntilOver().catch((reason) => broken.abort(reason));
  let result: T;
  try {
    result = await Promise.race([failure, work(broken.signal)]);
  } finally {
    over.abort();
    await killing;
  }
  broken.signal.throwIfAborted();
  return { kills, longestMs, result };
}
