import { setTimeout as delay } from "node:timers/promises";
import { endProgram, type Program, startProgram } from "../processes.ts";

const everyMs = 20_000;

/** How often a daemon was killed, and how long it was away at most until it served again, in ms. */
export interface DaemonKills {
  readonly kills: number;
  readonly longestMs: number;
}

/**
 * Kills a cluster's daemon with -9 every 20 s, and starts it again at once.
 *
 * @returns Ends that, once the daemon serves again.
 */
export function killEvery20Seconds(folder: string, daemon: Program): () => Promise<DaemonKills> {
  let over = false;
  let kills = 0;
  let longestMs = 0;
  const killing = (async () => {
    for (;;) {
      for (let waited = 0; waited < everyMs && !over; waited += 200) await delay(200);
      if (over) return { kills, longestMs };
      const begin = performance.now();
      await endProgram(folder, daemon.name, 0);
      kills++;
      await startProgram(folder, daemon);
      longestMs = Math.max(longestMs, performance.now() - begin);
    }
  })();
  return () => {
    over = true;
    return killing;
  };
}
