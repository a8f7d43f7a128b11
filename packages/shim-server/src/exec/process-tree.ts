import { outputsOf, type ProcessEntry, readContainerProcesses } from "./process-table.js";

/** The first process of an exec. */
export interface ExecRoot {
  /** On the host. */
  readonly pid: number;
  readonly containerId: string;
  /** The container's own first process. */
  readonly mainPid: number;
}

/**
 * Kills what an exec started, on the host's process ids, and nothing else of its container.
 *
 * That is its first process, all descendants, whoever is still in its session when the parent in
 * between is gone, and whoever writes to its output after leaving both (`setsid`, a double fork).
 * A process that left all three, as a daemon does by the book, cannot be told from the
 * container's own and stays.
 *
 * All are stopped before any is killed, so that none escapes by forking.
 *
 * @returns How many processes were killed.
 */
export function killExecProcesses(root: ExecRoot): number {
  const stopped = new Set<number>();
  for (;;) {
    const table = readContainerProcesses(root.mainPid, root.containerId);
    const found = execMembers(root.pid, table, outputsOf);
    const fresh = found.filter((pid) => !stopped.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      stopped.add(pid);
      signalProcess(pid, "SIGSTOP");
    }
  }
  for (const pid of stopped) signalProcess(pid, "SIGKILL");
  return stopped.size;
}

/**
 * The processes that belong to an exec; see {@link killExecProcesses}.
 *
 * @param rootPid The exec's first process.
 * @param table The processes of its container. The engine's process id may be that of a stranger
 * by now, who is not among them.
 * @param outputs Where a process writes to, by process id.
 */
export function execMembers(
  rootPid: number,
  table: ReadonlyMap<number, ProcessEntry>,
  outputs: (pid: number) => string[],
): number[] {
  const root = table.get(rootPid);
  const members = new Set<number>(root === undefined ? [] : sharingOutput(root, table, outputs));
  for (const { pid, session } of table.values()) {
    if (pid === rootPid || session === rootPid) members.add(pid);
  }
  for (let size = -1; size < members.size; ) {
    size = members.size;
    for (const { pid, parent } of table.values()) if (members.has(parent)) members.add(pid);
  }
  return [...members];
}

/** Younger processes that write to pipes or a terminal that the exec alone was given. */
function sharingOutput(
  root: ProcessEntry,
  table: ReadonlyMap<number, ProcessEntry>,
  outputs: (pid: number) => string[],
): number[] {
  const own = new Set(outputs(root.pid));
  const younger: number[] = [];
  for (const { pid, startTime } of table.values()) {
    if (pid === root.pid) continue;
    if (startTime >= root.startTime) younger.push(pid);
    // A command may redirect its output to that of the container's own processes.
    else for (const output of outputs(pid)) own.delete(output);
  }
  if (own.size === 0) return [];
  return younger.filter((pid) => outputs(pid).some((output) => own.has(output)));
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ESRCH") throw err;
  }
}
