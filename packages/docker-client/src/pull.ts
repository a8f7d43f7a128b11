import type { EngineHttp } from "./engine-http.js";
import { DockerError, type DockerErrorCode } from "./errors.js";
import { parseImageReference } from "./image-reference.js";
import type { PullProgress } from "./image-types.js";
import { followProgress } from "./progress.js";
import { encodeRegistryAuth, type RegistryAuth } from "./registry-auth.js";

const operation = "images.pull";

/** Options of a pull. */
export interface PullOptions {
  auth?: RegistryAuth | string | undefined;
  platform?: string | undefined;
  onProgress?: ((progress: PullProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** `POST /images/create?fromImage=…`, up to the report of success. */
export async function pullImage(
  http: EngineHttp,
  reference: string,
  options: PullOptions,
): Promise<void> {
  const parsed = parseImageReference(reference);
  const { name } = parsed;
  // A digest wins over a tag, as with the docker command. Without either the engine would pull all
  // tags there are.
  const tag = parsed.digest ?? parsed.tag ?? "latest";
  if (name === "" || tag === "") {
    throw new DockerError({
      code: "invalid_argument",
      operation,
      engineMessage: `${JSON.stringify(reference)} is no image reference`,
    });
  }
  let succeeded = false;
  try {
    await followProgress(
      http,
      {
        operation,
        method: "POST",
        path: "/images/create",
        query: { fromImage: name, tag, platform: options.platform },
        ...(options.auth !== undefined && {
          headers: { "X-Registry-Auth": encodeRegistryAuth(options.auth) },
        }),
        signal: options.signal,
        timeoutMs: "none",
      },
      (progress: PullProgress) => {
        // The last line but for odd ones: "Status: Downloaded newer image for …" or "… up to date".
        succeeded ||= progress.status?.startsWith("Status: ") === true;
        options.onProgress?.(progress);
      },
      (message) =>
        new DockerError({
          code: codeOfPullMessage(message) ?? "server_error",
          operation,
          engineMessage: message,
        }),
    );
  } catch (reason) {
    throw refineStatus(reason);
  }
  if (!succeeded) {
    throw new DockerError({
      code: "unavailable",
      operation,
      engineMessage: `the engine stopped reporting on ${reference} before the pull was done`,
    });
  }
}

/**
 * A failure before the first line of progress comes with a status, but that says 404 for a denied
 * pull and 500 for most of the rest; with the containerd image store even for a wrong password.
 * The words are the registry's and tell more. A bad request (400) is the caller's own.
 */
function refineStatus(reason: unknown): unknown {
  if (!(reason instanceof DockerError) || reason.status === undefined || reason.status === 400) {
    return reason;
  }
  const code = codeOfPullMessage(reason.engineMessage);
  if (code === undefined || code === reason.code) return reason;
  return new DockerError({
    code,
    operation,
    status: reason.status,
    engineMessage: reason.engineMessage,
    cause: reason,
  });
}

/**
 * The class of a failed pull by its message: the error codes of the registry protocol ("manifest
 * unknown", "denied: …", "unauthorized: …") and Go's network errors.
 */
export function codeOfPullMessage(message: string): DockerErrorCode | undefined {
  if (/no space left on device|disk quota exceeded/i.test(message)) return "no_space";
  if (
    /\bunauthorized\b|authentication required|no basic auth credentials|incorrect username or password|status:? 401|: 401 Unauthorized/i.test(
      message,
    )
  ) {
    return "unauthorized";
  }
  if (/\bdenied\b|\bforbidden\b|status:? 403|: 403 Forbidden/i.test(message)) return "forbidden";
  if (
    /manifest unknown|name unknown|unknown blob|blob unknown|manifest for .* not found|no matching manifest|repository .* not found|does not exist|: not found/i.test(
      message,
    )
  ) {
    return "not_found";
  }
  if (
    /connection refused|no such host|i\/o timeout|timeout exceeded|deadline exceeded|connection reset|network is unreachable|no route to host|TLS handshake|server gave HTTP response|unexpected EOF|toomanyrequests|too many requests|(?:: |^)EOF$|status:? 5\d\d|unexpected status from .*: 5\d\d|temporary failure in name resolution|server misbehaving/i.test(
      message,
    )
  ) {
    return "registry_unavailable";
  }
  return undefined;
}
