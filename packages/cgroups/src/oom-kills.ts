import { type FSWatcher, watch } from "node:fs";
import type { CgroupPath } from "./cgroup-path.js";
import { readKernelRecord } from "./kernel-file.js";
import { parseFlatKeyed } from "./parse.js";

const oomKill: ReadonlySet<string> = new Set(["oom_kill"]);

/**
 * Calls back, once, when the out-of-memory killer has ended a process of a cgroup or of those below
 * it, be it for the cgroup's own limit or for one above (`oom_kill` of `memory.events`); also when
 * it did so before. The kernel tells of the change at once: the file goes with the cgroup.
 *
 * @returns What ends the watch. Undefined where the kernel does not tell: on cgroup v1, for a cgroup
 * that is gone, and where no more files may be watched (`fs.inotify.max_user_watches`).
 */
export function watchOomKills(path: CgroupPath, onKill: () => void): (() => void) | undefined {
  if (path.unified === undefined || path.v1.has("memory")) return undefined;
  const file = `${path.unified}/memory.events`;
  let watcher: FSWatcher;
  const look = (): void => {
    const kills = parseFlatKeyed(readKernelRecord(file), oomKill).get("oom_kill") ?? 0n;
    if (kills === 0n) return;
    watcher.close();
    onKill();
  };
  try {
    watcher = watch(file, { persistent: false }, look);
  } catch {
    return undefined;
  }
  watcher.on("error", () => watcher.close());
  look();
  return () => watcher.close();
}
