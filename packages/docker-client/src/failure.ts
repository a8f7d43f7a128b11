import { types } from "node:util";
import { DockerError, type DockerErrorCode } from "./errors.js";

/** The code for an HTTP status of the engine. */
export function codeOfStatus(status: number): DockerErrorCode {
  switch (status) {
    case 304:
      return "not_modified";
    case 400:
    // What was sent is too long: its body, its path or its headers.
    case 413:
    case 414:
    case 431:
      return "invalid_argument";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not_found";
    case 405:
    case 501:
      return "not_implemented";
    case 409:
      return "conflict";
    case 502:
    case 503:
      return "unavailable";
    case 504:
      return "deadline_exceeded";
    default:
      return "server_error";
  }
}

/** The error for a reply with a status of failure and this body. */
export function errorOfReply(operation: string, status: number, body: string): DockerError {
  return new DockerError({
    code: codeOfStatus(status),
    operation,
    status,
    engineMessage: messageOfBody(body) ?? `the engine answered with HTTP status ${status}`,
  });
}

/** The engine wraps its message in JSON; what stands before it, a proxy say, answers in text. */
function messageOfBody(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "message" in parsed) {
      return typeof parsed.message === "string" && parsed.message !== ""
        ? parsed.message
        : undefined;
    }
  } catch {
    // Not JSON.
  }
  const text = body.trim();
  return text === "" ? undefined : text;
}

const socketErrors: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket",
  ECONNREFUSED: "nothing listens there",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ENOTSOCK: "that is not a socket",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "the host's name could not be resolved",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  ETIMEDOUT: "the connection timed out",
  EAGAIN: "its queue of connections is full",
};

/**
 * Any failure as a `DockerError`: one that is already typed stays as it is; an aborted call fails
 * with the reason of its signal; what the engine sent but cannot be parsed (a SyntaxError of JSON,
 * a RangeError of a length) is a `server_error`; all that Node reports of the connection is
 * `unavailable`.
 */
export function toDockerError(
  reason: unknown,
  operation: string,
  endpoint: string,
  signal?: AbortSignal,
): DockerError {
  if (signal?.aborted && signal.reason instanceof DockerError) return signal.reason;
  if (reason instanceof DockerError) return reason;
  const code = errorCode(reason);
  const text = types.isNativeError(reason) ? reason.message : String(reason);
  if (
    types.isNativeError(reason) &&
    (reason.name === "SyntaxError" || reason.name === "RangeError")
  ) {
    return new DockerError({
      code: "server_error",
      operation,
      engineMessage: `the engine's reply cannot be read: ${text}`,
      cause: reason,
    });
  }
  const connecting = code === undefined ? undefined : socketErrors[code];
  return new DockerError({
    code: "unavailable",
    operation,
    engineMessage:
      connecting !== undefined
        ? `cannot connect to the Docker engine at ${endpoint}: ${connecting}`
        : `the connection to the Docker engine at ${endpoint} failed: ${text}`,
    cause: reason,
  });
}

/** Whether a kept-alive connection may have been closed by the engine just as it was reused. */
export function isConnectionReset(reason: unknown): boolean {
  const code = errorCode(reason);
  return code === "ECONNRESET" || code === "EPIPE";
}

function errorCode(reason: unknown): string | undefined {
  return types.isNativeError(reason) && "code" in reason && typeof reason.code === "string"
    ? reason.code
    : undefined;
}
