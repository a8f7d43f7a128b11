import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

const pollMs = 50;

/**
 * Waits until no plugin works on the container any more. When a runtime is
 * killed in the middle of ADD, the plugin that it was running goes on; a DEL
 * that overtook it would leave behind what the plugin makes next.
 *
 * Plugins are recognised by CNI_CONTAINERID in their environment, which needs
 * the right to read `/proc/<pid>/environ`; others are not seen.
 *
 * @param signal ends the wait with its reason
 */
export async function waitForOrphans(containerId: string, signal: AbortSignal): Promise<void> {
  while (await isBeingWorkedOn(containerId)) {
    await delay(pollMs, undefined, { signal }).catch(() => {
      throw signal.reason;
    });
  }
}

async function isBeingWorkedOn(containerId: string): Promise<boolean> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  const variable = Buffer.from(`CNI_CONTAINERID=${containerId}\0`);
  for (const pid of pids) {
    const environment = await readFile(`/proc/${pid}/environ`).catch(() => undefined);
    if (environment?.includes(variable)) {
      return true;
    }
  }
  return false;
}
