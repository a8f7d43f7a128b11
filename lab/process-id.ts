import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process that can be told from a later one with the same number: by its boot and its start. */
export interface ProcessId {
  readonly pid: number;
  /** Boot id and start time in clock ticks since that boot. */
  readonly started: string;
}

/** The kernel's random id of this boot. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

/** Fields of /proc/PID/stat after the command name, which may itself hold spaces and parentheses. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Identifies a running process; undefined when there is none or it is only a zombie. */
export function identify(pid: number): ProcessId | undefined {
  const fields = statFields(pid);
  if (fields === undefined || fields[0] === "Z" || fields[0] === "X") return undefined;
  return { pid, started: `${bootId()}:${fields[19]}` };
}

/** Whether that very process still runs. */
export function isAlive(process: ProcessId | undefined): boolean {
  return process !== undefined && identify(process.pid)?.started === process.started;
}

/** All processes of the machine with their command lines (arguments joined by spaces). */
export function listProcesses(): { id: ProcessId; commandLine: string }[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const id = identify(Number(entry));
      if (id === undefined) return [];
      try {
        const commandLine = readFileSync(`/proc/${entry}/cmdline`, "utf8");
        return [{ id, commandLine: commandLine.replaceAll("\0", " ").trim() }];
      } catch {
        return [];
      }
    });
}

function signal(process: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(process)) return;
  try {
    globalThis.process.kill(process.pid, name);
  } catch {
    // It ended between the check and the signal.
  }
}

async function gone(process: ProcessId, milliseconds: number): Promise<boolean> {
  const end = Date.now() + milliseconds;
  while (isAlive(process)) {
    if (Date.now() > end) return false;
    await delay(20);
  }
  return true;
}

/** Ends a process: SIGTERM, then SIGKILL when it is not gone within `graceMs` milliseconds. */
export async function endProcess(process: ProcessId | undefined, graceMs: number): Promise<void> {
  if (process === undefined) return;
  if (graceMs > 0) {
    signal(process, "SIGTERM");
    if (await gone(process, graceMs)) return;
  }
  signal(process, "SIGKILL");
  await gone(process, 60_000);
}
