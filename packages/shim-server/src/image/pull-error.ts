import { type DockerErrorCode, isDockerError } from "@dockershim/docker-client";
import { ShimError, type ShimErrorCode } from "../shim-error.js";

const codes: Partial<Record<DockerErrorCode, ShimErrorCode>> = {
  not_found: "not_found",
  unauthorized: "unauthenticated",
  forbidden: "permission_denied",
  invalid_argument: "invalid_argument",
  no_space: "resource_exhausted",
  server_error: "internal",
};

/**
 * The error of a failed pull as the kubelet wants to hear it.
 *
 * It shows what the registry said as the reason of ErrImagePull. Two reasons have names of their
 * own in CRI (k8s.io/cri-api `pkg/errors`): it finds them at the start of the message, and only
 * where the code is UNKNOWN, since it leaves all other codes in front of the message.
 */
export function toPullError(reason: unknown): unknown {
  if (!isDockerError(reason)) return reason;
  const { code, engineMessage } = reason;
  const signature = /\bSignatureValidationFailed\b.*/s.exec(engineMessage);
  if (signature !== null) return new ShimError("unknown", signature[0], { cause: reason });
  if (code === "registry_unavailable") {
    return new ShimError("unknown", `RegistryUnavailable: ${engineMessage}`, { cause: reason });
  }
  const shimCode = codes[code];
  return shimCode === undefined
    ? reason
    : new ShimError(shimCode, engineMessage, { cause: reason });
}
