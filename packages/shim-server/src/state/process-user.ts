import { readFileSync } from "node:fs";

/** Numeric identity of a process. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}

/**
 * Reads the effective user and groups of a process from `/proc/<pid>/status` (proc_pid_status(5)), as it sees them
 * itself.
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
  const ownGid = ownId(pid, "gid");
  return {
    uid: ownId(pid, "uid")(uid),
    gid: ownGid(gid),
    supplementalGroups: ids("Groups").map(ownGid),
  };
}

/** Ids of the node as the process itself sees them, in its own user namespace (user_namespaces(7)). */
function ownId(pid: number, kind: "uid" | "gid"): (id: number) => number {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/${kind}_map`, "utf8");
  } catch {
    return (id) => id;
  }
  const ranges = text.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return (id) => {
    for (const [inside = 0, outside = 0, length = 0] of ranges) {
      if (id >= outside && id < outside + length) return id - outside + inside;
    }
    return id;
  };
}
