import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { CniError } from "./errors.js";
import type { CniLog } from "./log.js";

/** One run of a plugin's executable. */
export interface PluginRun {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: string;
  /** Kills the plugin and all that it started; its reason becomes the error. */
  readonly signal: AbortSignal;
}

/** How a plugin's process ended. */
export interface PluginExit {
  /** Exit status, or null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The port through which plugins are run. */
export type PluginExec = (run: PluginRun) => Promise<PluginExit>;

/** A plugin's result is a few kilobytes; what prints more than this has gone astray. */
const maxStdoutBytes = 8 * 1024 * 1024;
const maxStderrBytes = 16 * 1024;

/** How long the output may stay open after the plugin has ended. */
const openOutputMs = 2_000;

/**
 * The waits before another try while the executable is still being written
 * (ETXTBSY): short ones first, since installers move quickly, 6 s in all.
 */
const busyWaitsMs: readonly number[] = [50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000];

/**
 * Runs plugins as child processes, each the leader of a process group, so that
 * abandoning one also ends the plugins that it delegates to.
 */
export function createPluginExec(log: CniLog): PluginExec {
  return async (run) => {
    for (const waitMs of busyWaitsMs) {
      try {
        return await runOnce(run);
      } catch (error) {
        if (!isBusy(error)) {
          throw error;
        }
        log("info", "the plugin's executable is being written, trying again", {
          path: run.path,
          waitMs,
        });
        await delay(waitMs, undefined, { signal: run.signal }).catch(() => {
          throw run.signal.reason;
        });
      }
    }
    return runOnce(run);
  };
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof CniError &&
    error.code === "spawn-failed" &&
    (error.cause as NodeJS.ErrnoException | undefined)?.code === "ETXTBSY"
  );
}

function runOnce({ path, env, stdin, signal }: PluginRun): Promise<PluginExit> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const failToSpawn = (error: unknown) => {
      reject(CniError.from(error, "spawn-failed", `cannot run ${path}`));
    };
    let child: ReturnType<typeof spawnPiped>;
    try {
      child = spawnPiped(path, env);
    } catch (error) {
      // Node throws some errors of spawn instead of emitting them.
      failToSpawn(error);
      return;
    }
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = Buffer.alloc(0);
    let failure: unknown;
    let openOutput: NodeJS.Timeout | undefined;

    const kill = (reason: unknown) => {
      failure ??= reason;
      killGroup(child.pid);
    };
    const onAbort = () => kill(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });

    child.on("error", (error) => {
      signal.removeEventListener("abort", onAbort);
      failToSpawn(error);
    });
    child.stdout.on("data", (chunk: Buffer) => {
      stdout.push(chunk);
      stdoutBytes += chunk.length;
      if (stdoutBytes > maxStdoutBytes) {
        kill(new CniError("invalid-result", `${path} printed more than ${maxStdoutBytes} bytes`));
      }
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = Buffer.concat([stderr, chunk]).subarray(-maxStderrBytes);
    });
    child.on("exit", () => {
      // A process that the plugin left behind may hold its output open for ever.
      openOutput = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, openOutputMs);
    });
    child.on("close", (exitCode, exitSignal) => {
      clearTimeout(openOutput);
      signal.removeEventListener("abort", onAbort);
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      resolve({
        exitCode,
        signal: exitSignal,
        stdout: Buffer.concat(stdout).toString(),
        stderr: stderr.toString(),
      });
    });
    // A plugin may end without having read its configuration (EPIPE): its exit tells why.
    child.stdin.on("error", () => {});
    child.stdin.end(stdin);
  });
}

function spawnPiped(path: string, env: Readonly<Record<string, string>>) {
  return spawn(path, [], { env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) {
    return;
  }
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended by itself in the meantime.
  }
}
