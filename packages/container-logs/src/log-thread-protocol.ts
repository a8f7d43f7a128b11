import type { ContainerLogErrorCode } from "./errors.js";
import type { LogPath } from "./log-path.js";

/** A container whose log is to be copied. */
export interface CopiedContainer {
  /** Docker's id of it. */
  readonly id: string;
  /** Newest file of Docker's `local` log driver; see `localLogFile`. */
  readonly source: string;
  /** Where the log goes. */
  readonly target: LogPath;
  /** Whether it has a terminal (`Config.Tty`): then lines end with CR LF, and the CR is dropped. */
  readonly tty: boolean;
}

/** What the thread needs to know of it. */
export interface LogCopyJob extends CopiedContainer {
  /** File of its position. */
  readonly position: string;
}

/** What the thread is started with. */
export interface LogWorkerData {
  readonly lag: SharedArrayBuffer;
}

/** What the thread is asked to do. */
export type LogTask =
  /** Copy what is there and what comes; answered when the log file is there. */
  | { readonly kind: "follow"; readonly job: LogCopyJob }
  /** Copy what is there, of a container that has ended; answered when all of it was. */
  | { readonly kind: "settle"; readonly job: LogCopyJob }
  /** Go on in a new file at the log path; answered when that is there. */
  | { readonly kind: "reopen"; readonly job: LogCopyJob }
  /** Forget a container that was removed. */
  | { readonly kind: "remove"; readonly id: string; readonly position: string }
  /** Save all positions: the thread ends. */
  | { readonly kind: "close" };

export interface LogRequest {
  readonly request: number;
  readonly task: LogTask;
}

/** What the thread says: an answer, or something for the caller's own log. */
export type LogReport =
  | { readonly request: number; readonly error?: LogTaskError | undefined }
  | { readonly level: "info" | "warn"; readonly container: string; readonly message: string };

/** A `ContainerLogError` on its way between threads. */
export interface LogTaskError {
  readonly code: ContainerLogErrorCode;
  readonly message: string;
}
