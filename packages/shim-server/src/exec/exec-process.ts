import { setTimeout } from "node:timers/promises";
import type { DockerExec } from "@dockershim/docker-client";
import { type ExecCreateBody, type HijackedStream, isDockerError } from "@dockershim/docker-client";
import type { Logger } from "pino";
import { within } from "../async/within.js";
import type { ExecExits } from "../state/exec-exits.js";
import type { Store } from "../state/store.js";
import { killExecProcesses } from "./process-tree.js";

/** What running a command takes. */
export interface ExecRunnerParts {
  readonly docker: { readonly exec: DockerExec };
  readonly store: Pick<Store, "container">;
  readonly execExits: ExecExits;
  readonly log: Pick<Logger, "warn">;
}

/** A command that runs in a container. */
export interface ExecProcess {
  readonly stream: HijackedStream;
  /** The exit code, once the output has ended. Rejects when the signal fires before. */
  exitCode(): Promise<number>;
  /** Sets the size of its terminal, as soon as it has one. */
  resize(size: { readonly width: number; readonly height: number }): Promise<void>;
}

/** What a caller does with a command that runs. */
export type ExecUse<T> = (process: ExecProcess) => Promise<T>;

/** Runs commands in containers; see {@link createExecRunner}. */
export type ExecRunner = <T>(
  containerId: string,
  body: ExecCreateBody,
  signal: AbortSignal,
  use: ExecUse<T>,
) => Promise<T>;

/**
 * How long an exit's event may be late before the engine is asked, in ms. At first it is asked at
 * once: its answer mostly comes before the event. If the command still runs, the event is awaited.
 */
const exitPatienceMs = { first: 0, later: 1_000 };

/** How long an abandoned exec is watched for its start, which may be on its way, in ms. */
const startPatienceMs = 5_000;

/** How long a killed process may take to be gone, in ms. */
const deathPatienceMs = 2_000;

/** How often something is tried again that the engine has no event for, in ms. */
const retryMs = 20;

/**
 * Makes the function that runs a command in a container, for ExecSync and for streaming.
 *
 * When the signal fires, or `use` fails, the command is killed with all that it started, and the
 * call settles after that.
 */
export function createExecRunner(parts: ExecRunnerParts): ExecRunner {
  const { docker, store, execExits, log } = parts;

  async function exitCode(execId: string, exit: Promise<number>): Promise<number> {
    for (let patience = exitPatienceMs.first; ; patience = exitPatienceMs.later) {
      const code = await within(exit, patience);
      if (code !== "late") return code;
      // A command that could not be started ends without an event, and events may be cut off.
      const state = await docker.exec.inspect(execId);
      if (!state.Running && state.ExitCode !== null) return state.ExitCode;
    }
  }

  async function resize(
    execId: string,
    size: { readonly width: number; readonly height: number },
    signal: AbortSignal,
  ): Promise<void> {
    const giveUp = performance.now() + startPatienceMs;
    for (;;) {
      try {
        return await docker.exec.resize(execId, size, { signal });
      } catch (err) {
        // The engine takes the connection over before the process has its terminal.
        if (signal.aborted || performance.now() > giveUp) throw err;
        await setTimeout(retryMs, undefined, { signal });
      }
    }
  }

  async function kill(execId: string, exit: Promise<number>): Promise<void> {
    try {
      const giveUp = performance.now() + startPatienceMs;
      for (;;) {
        const state = await docker.exec.inspect(execId);
        if (state.Pid > 0) {
          const { Pid: pid, ContainerID: containerId } = state;
          const mainPid = store.container(containerId)?.inspect.State.Pid ?? pid;
          killExecProcesses({ pid, containerId, mainPid });
          if (state.Running)
            await Promise.race([exit, setTimeout(deathPatienceMs, 0, { ref: false })]);
          return;
        }
        if (state.ExitCode !== null || performance.now() > giveUp) return;
        await setTimeout(retryMs);
      }
    } catch (err) {
      // With the container, the process is gone.
      if (!isDockerError(err, "not_found"))
        log.warn({ err, exec: execId }, "could not kill an exec");
    }
  }

  return async (containerId, body, signal, use) => {
    const execId = await docker.exec.create(containerId, body, { signal });
    const watched = new AbortController();
    const exit = execExits.wait(execId, watched.signal);
    exit.catch(() => undefined);
    let stream: HijackedStream | undefined;
    try {
      stream = await docker.exec.start(execId, {
        tty: body.Tty === true,
        stdin: body.AttachStdin === true,
        signal,
      });
      const ended = AbortSignal.any([signal, watched.signal]);
      return await use({
        stream,
        // The output of a command may end long before the command does.
        exitCode: async () => await abortable(exitCode(execId, exit), signal),
        resize: async (size) => await resize(execId, size, ended),
      });
    } catch (err) {
      stream?.close();
      await kill(execId, exit);
      throw err;
    } finally {
      stream?.close();
      watched.abort();
    }
  };
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
