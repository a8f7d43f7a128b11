/** Why a call was refused, in gRPC's vocabulary. */
export type ShimErrorCode =
  | "invalid_argument"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "resource_exhausted"
  | "unavailable"
  | "permission_denied"
  | "unauthenticated"
  /** The kubelet reads a reason of its own out of the message (k8s.io/cri-api `pkg/errors`). */
  | "unknown"
  | "unimplemented"
  | "deadline_exceeded"
  | "internal";

/** An error that the daemon itself found; `server/error-mapping.ts` turns it into a gRPC status. */
export class ShimError extends Error {
  readonly code: ShimErrorCode;

  constructor(code: ShimErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ShimError";
    this.code = code;
  }
}
