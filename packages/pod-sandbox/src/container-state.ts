import { ContainerState } from "@dockershim/cri-types";
import type { InspectedContainer } from "./docker-inspect.js";
import { parseTimestamp } from "./timestamps.js";

/** The life of a container as CRI tells it. Times are nanoseconds since the epoch; 0 is none. */
export interface ContainerLife {
  state: ContainerState;
  createdAt: bigint;
  startedAt: bigint;
  finishedAt: bigint;
  exitCode: number;
  /** CamelCase word for the state; empty while there is nothing to explain. */
  reason: string;
  message: string;
}

/** What the spec hook (spec-hook.c) fails a start with, before any of it ran, where it has no daemon any more. */
const interrupted =
  /\bdockershim: the daemon that has to complete this container's spec (went away|does not run)\b/;

/**
 * Reads a container's life from Docker's state.
 *
 * A container that Docker could not start stays `created` there, with an exit code and an error
 * but no times. To CRI it has exited: with reason ContainerCannotRun where the command itself was
 * at fault (Docker's codes 126 and 127), else StartError; its times are that of its creation. One
 * whose start the daemon's own end interrupted is still created: a kubelet starts such a container
 * again whatever its pod's restart policy is, and one that has exited may be the end of a job.
 */
export function containerLife(inspect: InspectedContainer): ContainerLife {
  const { State: state } = inspect;
  const createdAt = parseTimestamp(inspect.Created);
  const startedAt = parseTimestamp(state.StartedAt);
  const finishedAt = parseTimestamp(state.FinishedAt);
  const message = state.Error ?? "";
  const exitCode = state.ExitCode;
  if (state.Running) {
    // What Docker keeps from an earlier run does not matter.
    const running = ContainerState.CONTAINER_RUNNING;
    return {
      ...{ state: running, createdAt, startedAt, finishedAt: 0n, exitCode: 0 },
      ...{ reason: "", message },
    };
  }
  if (finishedAt > 0n) {
    const exited = ContainerState.CONTAINER_EXITED;
    const reason = exitReason(state.OOMKilled === true, exitCode);
    // Docker may note the start of a short life after its end.
    const late = startedAt > finishedAt;
    return {
      ...{ state: exited, createdAt, finishedAt, exitCode, reason, message },
      startedAt: late ? finishedAt : startedAt,
    };
  }
  if (exitCode !== 0 && !interrupted.test(message)) {
    const exited = ContainerState.CONTAINER_EXITED;
    const reason = exitCode === 126 || exitCode === 127 ? "ContainerCannotRun" : "StartError";
    return {
      ...{ state: exited, createdAt, startedAt: createdAt, finishedAt: createdAt },
      ...{ exitCode, reason, message },
    };
  }
  return {
    state: state.Status === "created" ? ContainerState.CONTAINER_CREATED : leftover(state.Status),
    ...{ createdAt, startedAt: 0n, finishedAt: 0n, exitCode: 0, reason: "", message },
  };
}

// A container that never ran but is being removed, or whose removal failed, is not `created` any
// more: it cannot be started.
function leftover(status: string): ContainerState {
  return status === "exited" || status === "dead"
    ? ContainerState.CONTAINER_EXITED
    : ContainerState.CONTAINER_UNKNOWN;
}

// CRI fixes the first word; the others are what every Kubernetes user knows.
function exitReason(oomKilled: boolean, exitCode: number): string {
  if (oomKilled) return "OOMKilled";
  return exitCode === 0 ? "Completed" : "Error";
}
