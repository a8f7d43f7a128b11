import type { ControllerSource } from "./controller-source.js";
import { parseCount, parseLimit } from "./parse.js";

/** What the pids controller counts: tasks, that is every thread of every process. */
export interface PidsUsage {
  /** Tasks in this cgroup and all below: CRI `ProcessUsage.process_count`, as containerd fills it. */
  readonly current: bigint;
  /** The most that may exist; undefined when unlimited. */
  readonly limit: bigint | undefined;
}

/** Tasks and their limit; undefined when the pids controller is not there. */
export function readPids(pids: ControllerSource | undefined): PidsUsage | undefined {
  const current = parseCount(pids?.read("pids.current"));
  if (pids === undefined || current === undefined) return undefined;
  return { current, limit: parseLimit(pids.read("pids.max")) };
}
