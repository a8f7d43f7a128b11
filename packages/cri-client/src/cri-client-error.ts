/** The gRPC status codes, spelled as the gRPC specification spells them. */
export type CriErrorCode =
  | "CANCELLED"
  | "UNKNOWN"
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS"
  | "UNAUTHENTICATED";

/**
 * Why a runtime could not be reached:
 * - `missing`: there is no socket at the path.
 * - `permission`: the socket may not be opened by this user.
 * - `refused`: there is a socket, or a file, but nobody listens.
 * - `closed`: the connection ended during the call.
 * - `not-grpc`: something listens that does not speak gRPC.
 */
export type UnavailableReason = "missing" | "permission" | "refused" | "closed" | "not-grpc";

export interface CriClientErrorInit {
  code: CriErrorCode;
  message: string;
  endpoint: string;
  method?: string | undefined;
  reason?: UnavailableReason | undefined;
  cause?: unknown;
}

/** The one error that this package throws. */
export class CriClientError extends Error {
  override readonly name = "CriClientError";
  /** The gRPC status code, from the runtime or, for a call that never got there, from us. */
  readonly code: CriErrorCode;
  /** The endpoint as it was given. */
  readonly endpoint: string;
  /** The RPC, such as `ContainerStatus`; unset when no call was made. */
  readonly method: string | undefined;
  /** Set with UNAVAILABLE when the connection was the trouble, not the runtime's reply. */
  readonly reason: UnavailableReason | undefined;

  constructor(init: CriClientErrorInit) {
    super(init.message, { cause: init.cause });
    this.code = init.code;
    this.endpoint = init.endpoint;
    this.method = init.method;
    this.reason = init.reason;
  }
}
