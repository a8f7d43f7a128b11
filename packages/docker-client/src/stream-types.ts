import type { Readable, Writable } from "node:stream";
import type { CallOptions } from "./call-options.js";

/** A piece of output of a container. */
export interface LogFrame {
  /** A terminal has `stdout` only. */
  stream: "stdout" | "stderr";
  /**
   * Without a terminal exactly one frame of the engine, which for logs is one message as its log
   * driver stored it (with the timestamp in front if asked for); with a terminal any raw piece.
   */
  data: Buffer;
}

/** Options of the logs of a container. */
export interface LogOptions extends CallOptions {
  /** Default true. */
  stdout?: boolean | undefined;
  /** Default true. */
  stderr?: boolean | undefined;
  /** Stay until the container ends. Default false. */
  follow?: boolean | undefined;
  /** Unix seconds (fractions allowed), or a string as the engine takes it: `1700000000.000000001`. */
  since?: number | string | undefined;
  /** Like `since`. */
  until?: number | string | undefined;
  /** Only the last so many messages. Default all. */
  tail?: number | "all" | undefined;
  /** Put an RFC 3339 timestamp with nanoseconds and a space in front of each message. */
  timestamps?: boolean | undefined;
  /**
   * Whether the container has a terminal. When left out it is read from the reply's content type
   * (API 1.42 and later), or asked of the engine by one more call (before).
   */
  tty?: boolean | undefined;
}

/**
 * Logs of a container. The request is sent when the iteration begins, and the engine is read no
 * faster than the consumer takes frames. Can be iterated once.
 */
export interface LogStream extends AsyncIterable<LogFrame> {
  /** The same frames in the batches in which they arrive, which saves the wait per frame. */
  batches(): AsyncIterable<LogFrame[]>;
}

/** Options of attaching to a container. */
export interface AttachOptions extends CallOptions {
  /** Whether the container has a terminal: raw output, all of it in `stdout`. */
  tty: boolean;
  stdin?: boolean | undefined;
  stdout?: boolean | undefined;
  stderr?: boolean | undefined;
  /** Follow what comes. Default true. */
  stream?: boolean | undefined;
  /** Replay the logs so far. Default false. */
  logs?: boolean | undefined;
  /** Key sequence that detaches a terminal, such as `ctrl-p,ctrl-q`. */
  detachKeys?: string | undefined;
}

/**
 * Both directions of a process over a connection taken over from HTTP.
 *
 * Nothing is read from the engine while `stdout` or `stderr` is full, so both must be consumed
 * (`resume()` what is of no interest). None of the three streams crashes the process when its
 * `error` event has no listener; an error is seen by `for await`, `pipeline` and `finished`.
 */
export interface HijackedStream {
  /**
   * Input of the process, null if not asked for. `end()` closes it for the process and leaves the
   * output flowing. It is destroyed, without an error, when the connection ends.
   */
  readonly stdin: Writable | null;
  /** Ends when the process closes its output; fails with a `DockerError` on a cut or an abort. */
  readonly stdout: Readable;
  /** Like `stdout`; ends together with it. Empty with a terminal. */
  readonly stderr: Readable;
  /** Gives up the connection and ends the output. The process goes on. Idempotent. */
  close(): void;
  /**
   * The same, once the engine has sent nothing for `quietMs` milliseconds in which it was listened
   * to: for a process that is known to have ended, whose connection the engine leaves open.
   */
  closeOnceQuiet(quietMs: number): void;
}
