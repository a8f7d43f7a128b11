import { setTimeout } from "node:timers/promises";
import type { DockerExec } from "@dockershim/docker-client";
import {
  type ExecCreateBody,
  type ExecInspect,
  type HijackedStream,
  isDockerError,
} from "@dockershim/docker-client";
import type { Logger } from "pino";
import { untilAborted } from "../async/until-aborted.js";
import { within } from "../async/within.js";
import { ShimError } from "../shim-error.js";
import { type ContainerEnds, containerEnd } from "../state/container-end.js";
import type { ExecExits } from "../state/exec-exits.js";
import { killExecProcesses } from "./process-tree.js";

/** What running a command takes. */
export interface ExecRunnerParts {
  readonly docker: { readonly exec: DockerExec };
  readonly store: ContainerEnds;
  readonly execExits: ExecExits;
  readonly log: Pick<Logger, "warn">;
  /** How long a call waits until its abandoned command has been killed, in ms. */
  readonly killPatienceMs?: number;
}

/** A command that runs in a container. */
export interface ExecProcess {
  readonly stream: HijackedStream;
  /**
   * The exit code, once the output has ended. Rejects when the signal fires before.
   *
   * @throws ShimError `failed_precondition` when the container ended meanwhile and the engine does
   * not know how the command did.
   */
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

/** How long the engine may take to tell of an abandoned exec, in ms, and how long it is asked. */
const killAskMs = { each: 5_000, all: 60_000 };

/** How often something is tried again that the engine has no event for, in ms. */
const retryMs = 20;

/** How often the engine is asked for an exec whose container has ended, in ms. */
const forgottenAskMs = 1_000;

/** What is left of the output of an exec that the engine has forgotten comes within so many ms. */
const lastOutputMs = 1_000;

/** What the engine's event says of an exec that it has forgotten; a shell says it, too. */
const forgottenExitCode = 127;

/**
 * Makes the function that runs a command in a container, for ExecSync and for streaming.
 *
 * When the signal fires, or `use` fails, the command is killed with all that it started, and the
 * call settles after that; or some seconds later, when the engine does not tell what to kill.
 */
export function createExecRunner(parts: ExecRunnerParts): ExecRunner {
  const { docker, store, execExits, log } = parts;
  const { killPatienceMs = startPatienceMs + deathPatienceMs } = parts;

  async function exitCode(execId: string, exit: Promise<number>): Promise<number> {
    for (let patience = exitPatienceMs.first; ; patience = exitPatienceMs.later) {
      const code = await within(exit, patience);
      if (code !== "late" && code !== forgottenExitCode) return code;
      // A command that could not be started ends without an event, and events may be cut off.
      const state = await docker.exec.inspect(execId).catch(explainForgotten);
      if (!state.Running && state.ExitCode !== null) return state.ExitCode;
      if (code !== "late") return code;
    }
  }

  /**
   * When a container ends, the engine forgets its execs. Docker 20.10 may do so before it has heard
   * of their end, in a pod that shares its process namespace for one, and then never closes their
   * connections.
   */
  async function closeForgotten(
    execId: string,
    containerId: string,
    stream: HijackedStream,
    signal: AbortSignal,
  ): Promise<void> {
    await containerEnd(store, containerId, signal);
    for (;;) {
      const known = await docker.exec.inspect(execId, { signal }).then(
        () => true,
        (err) => !isDockerError(err, "not_found"),
      );
      if (!known) return stream.closeOnceQuiet(lastOutputMs);
      await setTimeout(forgottenAskMs, undefined, { signal });
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
    const whole = AbortSignal.timeout(killAskMs.all);
    const giveUp = performance.now() + startPatienceMs;
    try {
      for (;;) {
        const state = await askToKill(execId, whole);
        if (state.Pid > 0) {
          const { Pid: pid, ContainerID: containerId } = state;
          const mainPid = store.container(containerId)?.inspect.State.Pid ?? pid;
          killExecProcesses({ pid, containerId, mainPid });
          if (state.Running) await within(exit, deathPatienceMs);
          return;
        }
        if (state.ExitCode !== null || performance.now() > giveUp) return;
        await setTimeout(retryMs);
      }
    } catch (err) {
      // With the container, the process is gone.
      if (!isDockerError(err, "not_found")) {
        log.warn({ err, exec: execId }, "could not kill an exec");
      }
    }
  }

  /** The engine may leave one question open, and answer the next. */
  async function askToKill(execId: string, whole: AbortSignal): Promise<ExecInspect> {
    for (;;) {
      try {
        const signal = AbortSignal.any([whole, AbortSignal.timeout(killAskMs.each)]);
        return await docker.exec.inspect(execId, { signal });
      } catch (err) {
        if (whole.aborted || !isDockerError(err, "deadline_exceeded")) throw err;
      }
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
      closeForgotten(execId, containerId, stream, watched.signal).catch(() => undefined);
      return await use({
        stream,
        // The output of a command may end long before the command does.
        exitCode: async () => await untilAborted(exitCode(execId, exit), signal),
        resize: async (size) => await resize(execId, size, ended),
      });
    } catch (err) {
      stream?.close();
      if ((await within(kill(execId, exit), killPatienceMs)) === "late") {
        log.warn({ exec: execId }, "Docker does not tell which process an exec has");
      }
      throw err;
    } finally {
      stream?.close();
      watched.abort();
    }
  };
}

function explainForgotten(err: unknown): never {
  if (!isDockerError(err, "not_found")) throw err;
  throw new ShimError(
    "failed_precondition",
    "the container ended while the command ran, and the engine does not know the command's exit code",
    { cause: err },
  );
}
