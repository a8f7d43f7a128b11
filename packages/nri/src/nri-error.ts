/** What went wrong, as a word that a caller can switch on. */
export type NriErrorCode =
  /** The connection has ended, by either side. */
  | "closed"
  /** A plugin did not reply, or did not register, in time. */
  | "timeout"
  /** The peer broke the protocol: an impossible frame, a message that cannot be read. */
  | "protocol_error"
  /** A message is larger than ttrpc carries. */
  | "message_too_large"
  /** The peer answered a call with an error; `status` is its gRPC code. */
  | "call_failed"
  /** A validator refused what plugins asked for. */
  | "rejected"
  /** Two plugins asked for different things of the same field. */
  | "conflict"
  /** A plugin asked for what nobody may ask for. */
  | "invalid_request"
  /** Something else serves the socket. */
  | "socket_in_use"
  /** The caller gave up. */
  | "aborted";

/** What a {@link NriError} carries besides its code and message. */
export interface NriErrorFields {
  /** The plugin that it is about, as INDEX-NAME. */
  readonly plugin?: string | undefined;
  /** gRPC's number of the error that a peer answered with. */
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** The one error class of this package. */
export class NriError extends Error {
  override readonly name = "NriError";
  readonly code: NriErrorCode;
  readonly plugin: string | undefined;
  readonly status: number | undefined;

  constructor(code: NriErrorCode, message: string, fields: NriErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.code = code;
    this.plugin = fields.plugin;
    this.status = fields.status;
  }

  /** Wraps an unknown reason under a code; an `NriError` is returned as it is. */
  static from(reason: unknown, code: NriErrorCode): NriError {
    if (reason instanceof NriError) return reason;
    const message = reason instanceof Error ? reason.message : String(reason);
    return new NriError(code, message, { cause: reason });
  }
}
