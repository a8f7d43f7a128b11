import { readdirSync, readFileSync } from "node:fs";

/**
 * Kills a process and all its descendants, on the host's process ids.
 *
 * A process is stopped before its children are read, so that none escapes by forking.
 */
export function killProcessTree(pid: number): void {
  signalProcess(pid, "SIGSTOP");
  for (const child of childrenOf(pid)) killProcessTree(child);
  signalProcess(pid, "SIGKILL");
}

/** Children of all threads of a process (proc_tid_children(5)). */
function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
        .split(" ")
        .filter((child) => child !== "")
        .map(Number),
    );
  } catch {
    // It is gone, and with it what could be read.
    return [];
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ESRCH") throw err;
  }
}
