import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** What proc(5) tells of a process. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Id of the session, which is the process id of the one that made it. */
  readonly session: number;
  /** In clock ticks since the machine started. */
  readonly startTime: number;
}

/** All processes of the machine. */
export function readProcessTable(): Map<number, ProcessEntry> {
  const table = new Map<number, ProcessEntry>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const entry = parseStat(readOrEmpty(`/proc/${name}/stat`));
    if (entry !== undefined) table.set(entry.pid, entry);
  }
  return table;
}

/** Reads a line of `/proc/<pid>/stat`. The command in parentheses may hold anything. */
export function parseStat(line: string): ProcessEntry | undefined {
  const end = line.lastIndexOf(")");
  if (end < 0) return undefined;
  const fields = line.slice(end + 2).split(" ");
  const [parent, session, startTime] = [fields[1], fields[3], fields[19]].map(Number);
  if (parent === undefined || session === undefined || startTime === undefined) return undefined;
  return { pid: Number.parseInt(line, 10), parent, session, startTime };
}

/** Whether a process belongs to a container: every driver puts the id into the cgroup's name. */
export function isInContainer(pid: number, containerId: string): boolean {
  return readOrEmpty(`/proc/${pid}/cgroup`).includes(containerId);
}

/** The pipes and terminals that a process writes its output to. */
export function outputsOf(pid: number): string[] {
  return [1, 2].flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
      return /^(?:pipe:|\/dev\/pts\/)/.test(target) ? [target] : [];
    } catch {
      return [];
    }
  });
}

/** A process may end at any moment, and with it what could be read. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
