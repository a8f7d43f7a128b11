import { spawn } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { CniError } from "./errors.js";
import type { CniLog } from "./log.js";
import {
  collectOutput,
  killGroup,
  type PluginExec,
  type PluginExit,
  type PluginRun,
} from "./plugin-exec.js";

/** How long the output may stay open after the plugin has ended. */
const openOutputMs = 2_000;

/**
 * The waits before another try while the executable is still being written
 * (ETXTBSY): short ones first, since installers move quickly, 6 s in all.
 */
const busyWaitsMs: readonly number[] = [50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000];

/**
 * Runs each plugin as a child process of its own, the leader of a process group,
 * so that abandoning one also ends the plugins that it delegates to.
 */
export function createSpawnExec(log: CniLog): PluginExec {
  return {
    run: async (run) => {
      for (const waitMs of busyWaitsMs) {
        try {
          return await runOnce(run);
        } catch (error) {
          if (!isBusy(error)) throw error;
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
    },
    close: () => {},
  };
}

function isBusy(error: unknown): boolean {
  return (
    error instanceof CniError &&
    error.code === "spawn_failed" &&
    (error.cause as NodeJS.ErrnoException | undefined)?.code === "ETXTBSY"
  );
}

function runOnce(run: PluginRun): Promise<PluginExit> {
  const { path, signal } = run;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const failToSpawn = (error: unknown) => {
      reject(CniError.from(error, "spawn_failed", `cannot run ${path}`));
    };
    let child: ReturnType<typeof spawnPiped>;
    try {
      child = spawnPiped(run);
    } catch (error) {
      // Node throws some errors of spawn instead of emitting them.
      failToSpawn(error);
      return;
    }
    let failure: unknown;
    const kill = (reason: unknown) => {
      failure ??= reason;
      killGroup(child.pid);
    };
    const onAbort = () => kill(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const output = collectOutput(path, kill);
    let openOutput: NodeJS.Timeout | undefined;

    child.on("error", (error) => {
      signal.removeEventListener("abort", onAbort);
      failToSpawn(error);
    });
    child.stdout.on("data", output.addStdout);
    child.stderr.on("data", output.addStderr);
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
      resolve({ exitCode, signal: exitSignal, stdout: output.stdout, stderr: output.stderr });
    });
    // A plugin may end without having read its configuration (EPIPE): its exit tells why.
    child.stdin.on("error", () => {});
    child.stdin.end(run.stdin);
  });
}

function spawnPiped({ path, env, variables }: PluginRun) {
  return spawn(path, [], {
    env: { ...env, ...variables },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
}
