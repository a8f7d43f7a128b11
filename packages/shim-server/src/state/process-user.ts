import { readFileSync } from "node:fs";

/** Numeric identity of a process. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

/**
 * Reads the effective user and groups of a process from `/proc/<pid>/status` (proc_pid_status(5)).
 *
 * The read is synchronous because procfs answers from memory; a promise would cost more than it.
 *
 * @returns undefined when the process is gone.
 */
export function processUser(pid: number): ProcessUser | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return undefined;
  }
  const ids = (name: string): number[] =>
    (new RegExp(`^${name}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "")
      .split(/\s+/)
      .filter((id) => id !== "")
      .map(Number);
  const uid = ids("Uid")[1];
  const gid = ids("Gid")[1];
  if (uid === undefined || gid === undefined) return undefined;
  return { uid, gid, supplementalGroups: ids("Groups") };
}
