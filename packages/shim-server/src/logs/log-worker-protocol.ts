import type { LogTargetPath } from "./log-target.js";

/** A container whose log is to be copied. */
export interface LogCopyJob {
  readonly id: string;
  /** Newest file of Docker's `local` log driver. */
  readonly source: string;
  readonly target: LogTargetPath;
  readonly tty: boolean;
  /** File of its position. */
  readonly position: string;
}

/** What the thread is started with. */
export interface LogWorkerData {
  readonly lag: SharedArrayBuffer;
}

/** What the worker is asked to do. */
export type LogTask =
  /** Copy what is there and what comes; answered when the log file is there. */
  | { readonly kind: "follow"; readonly job: LogCopyJob }
  /** Copy what is there, of a container that has ended; answered when all of it was. */
  | { readonly kind: "settle"; readonly job: LogCopyJob }
  /** Go on in a new file at the log path; answered when that is there. */
  | { readonly kind: "reopen"; readonly job: LogCopyJob }
  /** Forget a container that was removed. */
  | { readonly kind: "remove"; readonly id: string; readonly position: string }
  /** Save all positions: the daemon ends. */
  | { readonly kind: "close" };

export interface LogRequest {
  readonly request: number;
  readonly task: LogTask;
}

/** What the worker says: an answer, or something for the daemon's own log. */
export type LogReport =
  | { readonly request: number; readonly error?: LogTaskError | undefined }
  | { readonly level: "info" | "warn"; readonly container: string; readonly message: string };

export interface LogTaskError {
  readonly message: string;
  /** Name of the error, or what the system calls it, such as ENOSPC. */
  readonly code: string;
}
