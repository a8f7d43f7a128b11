import { isInContainer, outputsOf, type ProcessEntry, readProcessTable } from "./process-table.js";

/** The first process of an exec. */
export interface ExecRoot {
  /** On the host. */
  readonly pid: number;
  readonly containerId: string;
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
    const found = execMembers(root, readProcessTable(), { isInContainer, outputsOf });
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

/** What {@link execMembers} asks of single processes. */
export interface ProcessFacts {
  isInContainer(pid: number, containerId: string): boolean;
  outputsOf(pid: number): string[];
}

/** The processes that belong to an exec; see {@link killExecProcesses}. */
export function execMembers(
  { pid: rootPid, containerId }: ExecRoot,
  table: ReadonlyMap<number, ProcessEntry>,
  facts: ProcessFacts,
): number[] {
  const inContainer = (pid: number): boolean => facts.isInContainer(pid, containerId);
  const root = table.get(rootPid);
  const members = new Set<number>();
  // The engine's process id may be that of a stranger by now.
  if (root !== undefined && inContainer(rootPid)) {
    members.add(rootPid);
    for (const pid of sharingOutput(root, table, facts, inContainer)) members.add(pid);
  }
  for (const entry of table.values()) {
    if (entry.session === rootPid && inContainer(entry.pid)) members.add(entry.pid);
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
  facts: ProcessFacts,
  inContainer: (pid: number) => boolean,
): number[] {
  const outputs = new Set(facts.outputsOf(root.pid));
  const younger: number[] = [];
  for (const { pid, startTime } of table.values()) {
    if (pid === root.pid || !inContainer(pid)) continue;
    if (startTime >= root.startTime) younger.push(pid);
    // A command may redirect its output to that of the container's own processes.
    else for (const output of facts.outputsOf(pid)) outputs.delete(output);
  }
  if (outputs.size === 0) return [];
  return younger.filter((pid) => facts.outputsOf(pid).some((output) => outputs.has(output)));
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ESRCH") throw err;
  }
}
