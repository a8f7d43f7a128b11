import { type FSWatcher, watch } from "node:fs";
import type { CgroupPath } from "./cgroup-path.js";
import { readKernelRecord } from "./kernel-file.js";
import { parseFlatKeyed } from "./parse.js";

const oomKill: ReadonlySet<string> = new Set(["oom_kill"]);

/**
 * How many processes of a cgroup and those below it the out-of-memory killer has ended, be it for its
 * own limit or for one above (`oom_kill` of `memory.events`).
 *
 * @returns undefined on cgroup v1, where cgroups below do not count, and for a cgroup that is gone
 */
export function readOomKills(path: CgroupPath): bigint | undefined {
  const file = eventsFile(path);
  if (file === undefined) return undefined;
  return parseFlatKeyed(readKernelRecord(file), oomKill).get("oom_kill");
}

/**
 * Calls back with that number as soon as it has grown, and at once where it is not 0. The kernel tells
 * of the change at the moment of the kill: the file goes with the cgroup.
 *
 * @returns What ends the watch. Undefined where the kernel does not tell: on cgroup v1, for a cgroup
 * that is gone, and where no more files may be watched (`fs.inotify.max_user_watches`).
 */
export function watchOomKills(
  path: CgroupPath,
  onKills: (total: bigint) => void,
): (() => void) | undefined {
  const file = eventsFile(path);
  if (file === undefined) return undefined;
  let told = 0n;
  const look = (): void => {
    const total = readOomKills(path) ?? 0n;
    if (total <= told) return;
    told = total;
    onKills(total);
  };
  let watcher: FSWatcher;
  try {
    watcher = watch(file, { persistent: false }, look);
  } catch {
    return undefined;
  }
  watcher.on("error", () => watcher.close());
  look();
  return () => watcher.close();
}

function eventsFile({ unified, v1 }: CgroupPath): string | undefined {
  return unified === undefined || v1.has("memory") ? undefined : `${unified}/memory.events`;
}
