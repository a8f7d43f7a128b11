import type { Duplex, Readable, Writable } from "node:stream";

/** The size of a terminal, in character cells. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The streams and signals of one exec or attach session. */
export interface SessionStreams {
  /**
   * What the client types. Ends when the client half-closes its input; is destroyed with a
   * {@link StreamingError} when the client vanishes. `null` if the request has no stdin.
   */
  readonly stdin: Readable | null;
  /**
   * Where output goes. Writes honour backpressure: the callback of a write runs when the
   * client's connection took the bytes. The host may end it; if not, the session ends it when
   * the returned promise settles. `null` if the request has no stdout.
   */
  readonly stdout: Writable | null;
  /** Like `stdout`; always `null` with a tty, where the terminal merges both. */
  readonly stderr: Writable | null;
  /**
   * The client's terminal sizes. The first usually comes at once. A size that the host did not
   * take yet is replaced by a newer one. Ends with the session.
   */
  readonly resize: AsyncIterable<TerminalSize>;
  /**
   * Aborted when the session is over before the host said so: the client is gone, the idle
   * timeout passed, or the server was closed. Its reason is a {@link StreamingError}.
   */
  readonly signal: AbortSignal;
}

/** One call of {@link StreamingRuntime.exec}. */
export interface RuntimeExecRequest extends SessionStreams {
  readonly containerId: string;
  readonly cmd: readonly string[];
  readonly tty: boolean;
}

/** One call of {@link StreamingRuntime.attach}. */
export interface RuntimeAttachRequest extends SessionStreams {
  readonly containerId: string;
  readonly tty: boolean;
}

/** One call of {@link StreamingRuntime.portForward}: one TCP connection of the client. */
export interface RuntimePortForwardRequest {
  readonly podSandboxId: string;
  /** The port inside the sandbox, 1 to 65535. */
  readonly port: number;
  /**
   * The client's end of the connection. Both directions half-close independently; it is
   * destroyed with a {@link StreamingError} when the client vanishes.
   */
  readonly stream: Duplex;
  /** Aborted when the client is gone or the session ends. */
  readonly signal: AbortSignal;
}

/** What a container runtime implements so that this package can serve it. */
export interface StreamingRuntime {
  /**
   * Runs a command in a container and resolves with its exit code (0 to 255; 128 + signal for a
   * killed process) once its output was written. A rejection is told to the client as an
   * internal error with the rejection's message.
   */
  exec(request: RuntimeExecRequest): Promise<{ exitCode: number }>;
  /** Attaches to a container's main process; resolves when the process ends or detaches. */
  attach(request: RuntimeAttachRequest): Promise<void>;
  /**
   * Joins `stream` with a port of the sandbox and resolves when both directions are done. A
   * rejection's message is shown to the client (`kubectl port-forward` prints it).
   */
  portForward(request: RuntimePortForwardRequest): Promise<void>;
}

/** Receives what happens to sessions; `console` fits. */
export interface StreamingLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}
