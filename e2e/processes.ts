import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toolPath } from "../lab/command.ts";
import { startDaemon } from "../lab/daemon.ts";
import { endProcess, isAlive, type ProcessId } from "../lab/process-id.ts";

/** A program that outlives the command that starts it. */
export interface Program {
  /** Its name in the folder: of its log file, and for {@link endProgram}. */
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  /** A socket that it is passed on, as systemd does it. */
  readonly passedSocket?: number;
  /** Milliseconds it has to become ready. */
  readonly timeoutMs: number;
  readonly isReady: () => Promise<boolean>;
}

type Processes = Readonly<Record<string, ProcessId>>;

const recordFile = (folder: string): string => join(folder, "processes.json");

function readProcesses(folder: string): Processes {
  try {
    return JSON.parse(readFileSync(recordFile(folder), "utf8"));
  } catch {
    return {};
  }
}

function record(folder: string, name: string, process: ProcessId): void {
  const file = recordFile(folder);
  const processes: Processes = { ...readProcesses(folder), [name]: process };
  writeFileSync(`${file}.new`, `${JSON.stringify(processes, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** The log file of a program of the folder. */
export function logFile(folder: string, name: string): string {
  return join(folder, `${name}.log`);
}

/** Whether the folder's program of that name runs. */
export function isRunning(folder: string, name: string): boolean {
  return isAlive(readProcesses(folder)[name]);
}

/**
 * Starts a program, unless it runs, notes it in the folder and waits until it is ready.
 *
 * @throws LabError `engine` with the end of its log when it ends, or is not ready in time
 */
export async function startProgram(folder: string, program: Program): Promise<void> {
  if (isRunning(folder, program.name)) return;
  mkdirSync(folder, { recursive: true });
  await startDaemon({
    code: "engine",
    program: program.program,
    args: program.args,
    passedSocket: program.passedSocket,
    path: toolPath,
    logFile: logFile(folder, program.name),
    timeoutMs: program.timeoutMs,
    onStart: (process) => record(folder, program.name, process),
    isReady: program.isReady,
  });
}

/** Ends a program of the folder: SIGTERM, and SIGKILL after `graceMs`; at once with 0. */
export async function endProgram(folder: string, name: string, graceMs = 10_000): Promise<void> {
  await endProcess(readProcesses(folder)[name], graceMs);
}

/** Whether an address answers 200. */
export function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    ({ status }) => status === 200,
    () => false,
  );
}
