import type { IncomingMessage } from "node:http";
import { pipeline, type Readable, Transform } from "node:stream";
import type { EngineHttp } from "./engine-http.js";
import type { EngineRequest } from "./engine-request.js";
import { toDockerError } from "./failure.js";

/**
 * Sends a request and hands its body out as a stream that fails with a `DockerError` when it is
 * cut or aborted. Destroying it ends the request.
 */
export async function streamBody(
  http: EngineHttp,
  request: EngineRequest,
): Promise<{ body: Readable; response: IncomingMessage }> {
  const { response, scope } = await http.open(request);
  const body = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    destroy(error, done) {
      done(
        error === null
          ? null
          : toDockerError(error, request.operation, http.endpoint, scope.signal),
      );
    },
  });
  // The error is kept for whoever reads the stream, and must not end the process before.
  body.on("error", () => undefined);
  pipeline(response, body, () => scope.dispose());
  return { body, response };
}
