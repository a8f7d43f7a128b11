import type { ControllerSource } from "./controller-source.js";
import { parseCount, parseLimit } from "./parse.js";

/** What the pids controller counts: tasks, that is every thread of every process. */
export interface PidsUsage {
  /** Tasks in this cgroup and all below: CRI `ProcessUsage.process_count`, as containerd fills it. */
  readonly current: bigint;
}

/** What limits the tasks. */
export interface PidsDetail {
  /** The most tasks that may exist; undefined when unlimited. */
  readonly limit: bigint | undefined;
}

/** Tasks; undefined when the pids controller is not there or the cgroup is gone. */
export function readPids(pids: ControllerSource | undefined): PidsUsage | undefined {
  const current = parseCount(pids?.read("pids.current"));
  return current === undefined ? undefined : { current };
}

/** The limit; undefined when the pids controller is not there or the cgroup is gone. */
export function readPidsDetail(pids: ControllerSource | undefined): PidsDetail | undefined {
  const limit = pids?.read("pids.max");
  return limit === undefined ? undefined : { limit: parseLimit(limit) };
}
