import type { EngineHttp } from "./engine-http.js";
import type { EngineRequest } from "./engine-request.js";
import type { DockerError } from "./errors.js";
import { toDockerError } from "./failure.js";
import { readJsonLines } from "./json-lines.js";

/**
 * Sends a request that is answered by a stream of progress, and hands each object to `onObject`.
 * The engine has sent its 200 long before the work can fail, so a failure is an object with
 * `error`; `classify` makes an error of its message. The request ends when `onObject` throws.
 */
export async function followProgress(
  http: EngineHttp,
  request: EngineRequest,
  onObject: (object: Record<string, unknown>) => void,
  classify: (message: string, object: Record<string, unknown>) => DockerError,
): Promise<void> {
  const { response, scope } = await http.open(request);
  let foreign: { error: unknown } | undefined;
  try {
    for await (const object of readJsonLines(response)) {
      const message = errorMessageOf(object);
      if (message !== undefined) throw classify(message, object);
      try {
        onObject(object);
      } catch (error) {
        foreign = { error };
        throw error;
      }
    }
  } catch (reason) {
    if (foreign !== undefined && foreign.error === reason) throw reason;
    throw toDockerError(reason, request.operation, http.endpoint, scope.signal);
  } finally {
    response.destroy();
    scope.dispose();
  }
}

function errorMessageOf(object: Record<string, unknown>): string | undefined {
  const { error, errorDetail } = object;
  if (typeof errorDetail === "object" && errorDetail !== null && "message" in errorDetail) {
    return String(errorDetail.message);
  }
  return error === undefined ? undefined : String(error);
}
