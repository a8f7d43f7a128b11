import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { CniLog } from "./log.js";

const pollMs = 50;

/** Longer than a plugin that is alive takes; what stays then is something that it left behind. */
const patienceMs = 10_000;

/**
 * Waits until no plugin works on the container any more. When a runtime is
 * killed in the middle of ADD, the plugin that it was running goes on; a DEL
 * that overtook it would leave behind what the plugin makes next.
 *
 * Plugins are recognised by their environment, which needs the right to read
 * `/proc/<pid>/environ`; others are not seen.
 *
 * @param signal ends the wait with its reason
 */
export async function waitForOrphans(
  containerId: string,
  signal: AbortSignal,
  log: CniLog,
): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const pid = await findOrphan(containerId);
    if (pid === undefined) return;
    if (waitedMs === 0) {
      log("info", "waiting for a plugin of an interrupted operation", { containerId, pid });
    }
    if (waitedMs >= patienceMs) {
      log("warn", "a plugin of an interrupted operation does not end", { containerId, pid });
      return;
    }
    await delay(pollMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

async function findOrphan(containerId: string): Promise<number | undefined> {
  const container = Buffer.from(`CNI_CONTAINERID=${containerId}\0`);
  const commands = ["ADD", "DEL"].map((command) => Buffer.from(`CNI_COMMAND=${command}\0`));
  const names = await readdir("/proc").catch(() => []);
  for (const name of names.filter((entry) => /^\d+$/.test(entry))) {
    const environment = await readFile(`/proc/${name}/environ`).catch(() => undefined);
    if (
      environment?.includes(container) &&
      commands.some((command) => environment.includes(command))
    ) {
      return Number(name);
    }
  }
  return undefined;
}
