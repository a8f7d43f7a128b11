import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { LabError, type LabErrorCode } from "./lab-error.ts";
import { endProcess, identify, isAlive, type ProcessId } from "./process-id.ts";

export interface DaemonOptions {
  readonly code: LabErrorCode;
  readonly program: string;
  readonly args: readonly string[];
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** A socket that it is passed on, as systemd does it (sd_listen_fds(3)). */
  readonly passedSocket?: number | undefined;
  /** Milliseconds the daemon has to become ready; one that ends is noticed at once. */
  readonly timeoutMs: number;
  /** Called with the new process at once, before it is ready, so that it can be recorded. */
  readonly onStart: (process: ProcessId) => void;
  readonly isReady: () => Promise<boolean>;
  /** Words in the log of one that ended which say that the machine was too slow; it is then started again. */
  readonly slowWords?: string;
  /** Called before each start. */
  readonly beforeStart?: () => void;
}

/** How often a program is started that ends because the machine is slow. */
const maxStarts = 5;

/** The last lines of a log, as far as they were written after a place in it. */
function tail(file: string, begin: number): string {
  const written = readFileSync(file).subarray(begin).toString("utf8");
  return written.trim().split("\n").slice(-8).join("\n");
}

/** Starts a program that outlives us, in a session of its own, and waits until it answers. */
export async function startDaemon(options: DaemonOptions): Promise<void> {
  const { slowWords, logFile } = options;
  for (let start = 1; ; start++) {
    options.beforeStart?.();
    try {
      return await startOnce(options);
    } catch (error) {
      const slow = slowWords !== undefined && (error as Error).message.includes(slowWords);
      if (!slow || start === maxStarts) throw error;
      console.error(`lab: starting ${options.program} again: ${slowWords}; see ${logFile}`);
    }
  }
}

async function startOnce(options: DaemonOptions): Promise<void> {
  const log = openSync(options.logFile, "a");
  const begin = fstatSync(log).size;
  const { program, args, passedSocket } = options;
  // The shell knows the process id that the program gets.
  const passing = ["-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", program, ...args];
  const [file, given] = passedSocket === undefined ? [program, args] : ["/bin/sh", passing];
  const child = spawn(file, given, {
    detached: true,
    cwd: "/",
    stdio: ["ignore", log, log, ...(passedSocket === undefined ? [] : [passedSocket])],
    env: {
      PATH: options.path,
      HOME: process.env.HOME ?? "/root",
      // The registry is on loopback; a proxy of the machine must not see those calls.
      NO_PROXY: "127.0.0.1,localhost",
      ...options.env,
    },
  });
  closeSync(log);
  const failure = new Promise<Error>((resolve) => child.once("error", resolve));
  child.unref();
  const id = child.pid === undefined ? undefined : identify(child.pid);
  if (id === undefined) {
    const reason = child.pid === undefined ? (await failure).message : tail(options.logFile, begin);
    throw new LabError(options.code, `${options.program} did not start: ${reason}`);
  }
  options.onStart(id);
  const end = Date.now() + options.timeoutMs;
  while (!(await options.isReady())) {
    const died = !isAlive(id);
    if (died || Date.now() > end) {
      await endProcess(id, 5000);
      const what = died ? "ended at once" : "did not become ready in time";
      throw new LabError(
        options.code,
        `${options.program} ${what}; the end of ${options.logFile}:\n${tail(options.logFile, begin)}`,
      );
    }
    await delay(50);
  }
}
