/**
 * What went wrong, in terms a host can map to its own protocol:
 *
 * - `invalid_argument`: the request breaks a rule of the CRI (gRPC INVALID_ARGUMENT);
 * - `resource_exhausted`: too many URLs are outstanding (gRPC RESOURCE_EXHAUSTED, which the
 *   kubelet answers with 429 and a Retry-After);
 * - `not_listening`: the server was not started, or is closed already;
 * - `protocol_error`: the peer broke SPDY, WebSocket or the Kubernetes channel protocol;
 * - `client_gone`: the connection ended before the session did;
 * - `timeout`: the peer was silent, or did not open its streams, for too long;
 * - `server_closed`: the session was ended by {@link StreamingServer.close}.
 */
export type StreamingErrorCode =
  | "invalid_argument"
  | "resource_exhausted"
  | "not_listening"
  | "protocol_error"
  | "client_gone"
  | "timeout"
  | "server_closed";

/** The one error class of this package; branch on {@link StreamingError.code}. */
export class StreamingError extends Error {
  override readonly name = "StreamingError";

  /** The machine-readable reason. */
  readonly code: StreamingErrorCode;

  constructor(code: StreamingErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Wraps an unknown reason under a code; a `StreamingError` is returned as it is. */
  static from(reason: unknown, code: StreamingErrorCode): StreamingError {
    if (reason instanceof StreamingError) return reason;
    const message = reason instanceof Error ? reason.message : String(reason);
    return new StreamingError(code, message, { cause: reason });
  }
}
