import { Code, ConnectError } from "@connectrpc/connect";
import { CriClientError, type CriErrorCode, type UnavailableReason } from "./cri-client-error.js";

const codeNames: Record<Code, CriErrorCode> = {
  [Code.Canceled]: "CANCELLED",
  [Code.Unknown]: "UNKNOWN",
  [Code.InvalidArgument]: "INVALID_ARGUMENT",
  [Code.DeadlineExceeded]: "DEADLINE_EXCEEDED",
  [Code.NotFound]: "NOT_FOUND",
  [Code.AlreadyExists]: "ALREADY_EXISTS",
  [Code.PermissionDenied]: "PERMISSION_DENIED",
  [Code.ResourceExhausted]: "RESOURCE_EXHAUSTED",
  [Code.FailedPrecondition]: "FAILED_PRECONDITION",
  [Code.Aborted]: "ABORTED",
  [Code.OutOfRange]: "OUT_OF_RANGE",
  [Code.Unimplemented]: "UNIMPLEMENTED",
  [Code.Internal]: "INTERNAL",
  [Code.Unavailable]: "UNAVAILABLE",
  [Code.DataLoss]: "DATA_LOSS",
  [Code.Unauthenticated]: "UNAUTHENTICATED",
};

/** What Node calls the ways in which a connection fails. */
const reasons: Record<string, UnavailableReason> = {
  ENOENT: "missing",
  ENOTDIR: "missing",
  EACCES: "permission",
  EPERM: "permission",
  ECONNREFUSED: "refused",
  ENOTSOCK: "refused",
  ECONNRESET: "closed",
  EPIPE: "closed",
  ERR_HTTP2_GOAWAY_SESSION: "closed",
  ERR_HTTP2_INVALID_SESSION: "closed",
  ERR_HTTP2_SESSION_ERROR: "closed",
  ERR_HTTP2_STREAM_CANCEL: "closed",
  ERR_STREAM_PREMATURE_CLOSE: "closed",
  ERR_HTTP2_ERROR: "not-grpc",
};

const explanations: Record<UnavailableReason, string> = {
  missing: "there is no such socket (is the runtime running?)",
  permission: "permission denied (it usually takes root)",
  refused: "connection refused, nothing listens there",
  closed: "the connection was closed during the call",
  "not-grpc": "what listens there does not speak gRPC (is it the runtime's CRI socket?)",
};

export interface CallInfo {
  endpoint: string;
  method: string;
  /** Deadline of the call in milliseconds, 0 for none. */
  timeoutMs: number;
  /** As performance.now() has it. */
  startedAt: number;
  /** Aborted by the caller, or by the client when it is closed. */
  signal: AbortSignal;
}

/** Turns whatever Connect or Node threw during a call into a CriClientError. */
export function translateError(error: unknown, call: CallInfo): CriClientError {
  if (error instanceof CriClientError) return error;
  const { endpoint, method } = call;
  const connectError = ConnectError.from(error);
  const reason = unavailableReason(connectError, call);
  if (reason) {
    return new CriClientError({
      code: "UNAVAILABLE",
      message: `cannot reach the container runtime at ${endpoint}: ${explanations[reason]}`,
      endpoint,
      method,
      reason,
      cause: error,
    });
  }
  // A runtime replies with the same code when it has a deadline of its own, such as
  // ExecSync's; then what it says is worth more. Timers may be early by a millisecond.
  const isOurDeadline =
    connectError.code === Code.DeadlineExceeded &&
    call.timeoutMs > 0 &&
    performance.now() - call.startedAt >= call.timeoutMs - 1;
  return new CriClientError({
    code: codeNames[connectError.code],
    message: isOurDeadline
      ? `${method}: no answer from ${endpoint} within ${call.timeoutMs / 1000} s`
      : `${method}: ${connectError.rawMessage}`,
    endpoint,
    method,
    cause: error,
  });
}

function unavailableReason(error: ConnectError, call: CallInfo): UnavailableReason | undefined {
  // A deadline or the caller ends a call by closing its stream, which must not
  // look as if the runtime had gone away.
  if (error.code === Code.DeadlineExceeded || call.signal.aborted) return undefined;
  // Streams of a connection that breaks end like this, without an error of Node's.
  if (error.rawMessage.startsWith("http/2 stream closed with error code")) return "closed";
  const seen = new Set<unknown>();
  let link: unknown = error;
  while (typeof link === "object" && link !== null && !seen.has(link)) {
    seen.add(link);
    const { code, cause } = link as { code?: unknown; cause?: unknown };
    if (typeof code === "string" && Object.hasOwn(reasons, code)) return reasons[code];
    link = cause;
  }
  return undefined;
}
