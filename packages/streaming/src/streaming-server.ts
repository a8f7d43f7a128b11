import type { AttachUrlRequest, ExecUrlRequest, PortForwardUrlRequest } from "./stream-requests.js";
import type { StreamingRuntime } from "./streaming-runtime.js";

/** TLS of the streaming server, in PEM. */
export interface StreamingTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** If given, clients must present a certificate signed by one of these authorities. */
  readonly clientCa?: string | Buffer;
}

/** Receives what happens to sessions; `console` fits. */
export interface StreamingLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** Options of {@link createStreamingServer}. */
export interface StreamingServerOptions {
  /** The host's side: runs commands and opens ports. */
  readonly runtime: StreamingRuntime;
  /** `host:port` to listen on; port 0 takes a free one. Default `127.0.0.1:0`. */
  readonly bindAddr?: string;
  /**
   * What URLs start with, such as `https://node1.example:10010`; a port of 0 is replaced by the
   * real one. Default: the bound address, with the loopback address for a wildcard.
   */
  readonly baseUrl?: string;
  /** Serves HTTPS instead of HTTP. */
  readonly tls?: StreamingTls;
  /** A connection on which nothing moves for this long is ended. Default 4 hours. */
  readonly idleTimeoutMs?: number;
  /** How long a client may take to open the streams it asked for. Default 30 seconds. */
  readonly streamCreationTimeoutMs?: number;
  /** How long a URL is valid. Default 60 seconds. */
  readonly tokenTtlMs?: number;
  /** How many URLs may be outstanding. Default 1,000. */
  readonly maxTokens?: number;
  /** Default: nothing is logged. */
  readonly log?: StreamingLog;
}

/** What the server holds at this moment; all zero when idle. */
export interface StreamingStats {
  /** URLs handed out and neither used nor expired. */
  readonly tokens: number;
  /** Sockets, including those not (or no longer) in a session. */
  readonly connections: number;
  /** Running exec, attach and port-forward sessions. */
  readonly sessions: number;
  /** SPDY streams and WebSocket channels open in those sessions. */
  readonly streams: number;
  /** Port-forward connections the runtime is serving. */
  readonly forwards: number;
  /** Bytes received from clients and not yet read by the runtime. */
  readonly bufferedBytes: number;
}

/** A CRI streaming server. */
export interface StreamingServer {
  /** Binds the address. Rejects if that fails. */
  listen(): Promise<void>;
  /** What URLs start with, without a trailing slash. Throws `not_listening` before `listen`. */
  readonly baseUrl: string;
  /**
   * Answers the CRI's Exec. Throws a {@link StreamingError}: `invalid_argument`,
   * `resource_exhausted` or `not_listening`.
   */
  execUrl(request: ExecUrlRequest): string;
  /** Answers the CRI's Attach; throws like `execUrl`. */
  attachUrl(request: AttachUrlRequest): string;
  /** Answers the CRI's PortForward; throws like `execUrl`. */
  portForwardUrl(request: PortForwardUrlRequest): string;
  stats(): StreamingStats;
  /**
   * Stops listening, forgets all tokens, lets sessions end by themselves for `graceMs` (default
   * 0), aborts the rest, and resolves when every socket is closed.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}
