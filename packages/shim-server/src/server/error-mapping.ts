import { Code, ConnectError } from "@connectrpc/connect";
import { CgroupError, type CgroupErrorCode } from "@dockershim/cgroups";
import { CniError, type CniErrorCode } from "@dockershim/cni";
import { ContainerLogError, type ContainerLogErrorCode } from "@dockershim/container-logs";
import { DockerError, type DockerErrorCode } from "@dockershim/docker-client";
import { PodSandboxError, type PodSandboxErrorCode } from "@dockershim/pod-sandbox";
import { StreamingError, type StreamingErrorCode } from "@dockershim/streaming";
import { briefMessage } from "../messages/brief-message.js";
import { ShimError, type ShimErrorCode } from "../shim-error.js";

const codes: Record<
  | ShimErrorCode
  | ContainerLogErrorCode
  | DockerErrorCode
  | PodSandboxErrorCode
  | StreamingErrorCode,
  Code
> = {
  already_exists: Code.AlreadyExists,
  canceled: Code.Canceled,
  client_gone: Code.Canceled,
  conflict: Code.FailedPrecondition,
  deadline_exceeded: Code.DeadlineExceeded,
  failed_precondition: Code.FailedPrecondition,
  forbidden: Code.PermissionDenied,
  internal: Code.Internal,
  invalid_argument: Code.InvalidArgument,
  invalid_path: Code.InvalidArgument,
  io_failed: Code.Internal,
  not_found: Code.NotFound,
  not_implemented: Code.Unimplemented,
  not_listening: Code.FailedPrecondition,
  no_space: Code.ResourceExhausted,
  not_modified: Code.Internal,
  path_refused: Code.FailedPrecondition,
  permission_denied: Code.PermissionDenied,
  protocol_error: Code.Internal,
  registry_unavailable: Code.Unknown,
  resource_exhausted: Code.ResourceExhausted,
  server_closed: Code.Unavailable,
  server_error: Code.Internal,
  timeout: Code.DeadlineExceeded,
  unauthenticated: Code.Unauthenticated,
  unauthorized: Code.Unauthenticated,
  unavailable: Code.Unavailable,
  unimplemented: Code.Unimplemented,
  unknown: Code.Unknown,
  unsupported_api: Code.FailedPrecondition,
};

/** What is the plugins' or the node's fault is INTERNAL; these are not. */
const cniCodes: Partial<Record<CniErrorCode, Code>> = {
  host_port_taken: Code.FailedPrecondition,
  invalid_argument: Code.InvalidArgument,
  timeout: Code.DeadlineExceeded,
};

/** What the caller asked of a cgroup, or what became of the cgroup since it was looked up. */
const cgroupCodes: Record<CgroupErrorCode, Code> = {
  gone: Code.NotFound,
  invalid_file: Code.InvalidArgument,
  invalid_path: Code.InvalidArgument,
  not_available: Code.FailedPrecondition,
  read_failed: Code.Internal,
  unified_on_v1: Code.FailedPrecondition,
  write_refused: Code.FailedPrecondition,
};

/** What the kernel said, where that tells more than that a read or a write failed. */
const kernelCodes: Readonly<Record<string, Code>> = {
  EACCES: Code.PermissionDenied,
  EPERM: Code.PermissionDenied,
  EROFS: Code.PermissionDenied,
  EMFILE: Code.ResourceExhausted,
  ENFILE: Code.ResourceExhausted,
  ENOMEM: Code.ResourceExhausted,
};

/**
 * The gRPC status of an error, whoever threw it. All handlers' errors pass here and nowhere else.
 * Its message is short enough for a header ({@link briefMessage}).
 *
 * @param reason What a handler threw.
 * @param signal The call's own signal: when it has fired, the caller's deadline or departure is
 * the reason, whatever error it surfaced as.
 */
export function toConnectError(reason: unknown, signal: AbortSignal): ConnectError {
  if (!(reason instanceof ConnectError) && signal.aborted) {
    const ended = ConnectError.from(signal.reason, Code.Canceled);
    return new ConnectError(ended.rawMessage, ended.code, undefined, undefined, reason);
  }
  const message = briefMessage(messageOf(reason));
  if (reason instanceof ConnectError && message === reason.rawMessage) return reason;
  return new ConnectError(message, codeOf(reason), undefined, undefined, reason);
}

function codeOf(reason: unknown): Code {
  if (reason instanceof ConnectError) return reason.code;
  if (
    reason instanceof ShimError ||
    reason instanceof ContainerLogError ||
    reason instanceof DockerError ||
    reason instanceof PodSandboxError ||
    reason instanceof StreamingError
  ) {
    return codes[reason.code];
  }
  if (reason instanceof CniError) return cniCodes[reason.code] ?? Code.Internal;
  if (reason instanceof CgroupError) {
    const { code: kernelCode = "" } = (reason.cause ?? {}) as { readonly code?: string };
    return kernelCodes[kernelCode] ?? cgroupCodes[reason.code];
  }
  return Code.Internal;
}

function messageOf(reason: unknown): string {
  if (reason instanceof ConnectError) return reason.rawMessage;
  return reason instanceof Error ? reason.message : String(reason);
}
