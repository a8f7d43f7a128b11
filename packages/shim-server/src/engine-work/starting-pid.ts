import { type FSWatcher, readFileSync, readlinkSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parentOf } from "../state/containerd-programs.js";

/** Learns which process a container has before the engine tells. */
export interface StartingPids {
  /**
   * The host pid of a container's first process, as soon as its namespaces are there: the runtime has written it down
   * by then, and some tenth of the engine's start is still to come. The process itself may not run yet.
   *
   * @param started The engine's start of it. It tells the pid where nothing else has, and breaks the promise if it fails
   * before.
   */
  of(id: string, started: Promise<number>): Promise<number>;
}

/**
 * Finds pids in the bundles of the engine's containerd, where runc and those like it write them. Which folder that is
 * follows from the first container whose start was waited for: its shim works in its bundle. Until then, and where it is
 * not to be seen or no such file appears, the pid comes with the start's end.
 */
export function createStartingPids(proc = "/proc"): StartingPids {
  let bundles: string | undefined;

  return {
    async of(id, started) {
      if (bundles === undefined) {
        const pid = await started;
        bundles = bundlesFolder(id, pid, proc);
        return pid;
      }
      const seen = Promise.withResolvers<number>();
      const close = watchForPid(bundles, id, seen.resolve);
      // The folder went with the engine that had it.
      if (close === undefined) bundles = undefined;
      try {
        return await Promise.race([started, seen.promise]);
      } finally {
        close?.();
      }
    },
  };
}

/** Name of the file in a bundle that a container's pid is written into, all at once. */
const pidFile = "init.pid";

/** @returns What ends it; undefined when the folder cannot be watched. */
function watchForPid(
  bundles: string,
  id: string,
  found: (pid: number) => void,
): (() => void) | undefined {
  const watchers: FSWatcher[] = [];
  const close = () => {
    for (const watcher of watchers) watcher.close();
  };

  /** Calls back for what is there by then, and whenever a name appears or goes away. */
  function follow(folder: string, name: string, look: () => void): boolean {
    try {
      const watcher = watch(folder, (_event, changed) => {
        if (changed === name) look();
      });
      watcher.on("error", () => watcher.close());
      watchers.push(watcher);
    } catch {
      return false;
    }
    look();
    return true;
  }

  let inside = false;
  const watched = follow(bundles, id, () => {
    if (inside) return;
    inside = follow(join(bundles, id), pidFile, () => {
      const pid = readPid(join(bundles, id, pidFile));
      if (pid !== undefined) found(pid);
    });
  });
  return watched ? close : undefined;
}

function readPid(file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, "utf8"));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of all bundles, by the shim of a container that has one to itself or made it first. */
function bundlesFolder(id: string, pid: number, proc: string): string | undefined {
  try {
    const bundle = readlinkSync(join(proc, String(parentOf(pid, proc)), "cwd"));
    return basename(bundle) === id ? dirname(bundle) : undefined;
  } catch {
    return undefined;
  }
}
