import { createEngineAgents } from "./agent.js";
import { createApiVersionNegotiator, isApiVersion } from "./api-version.js";
import { createCallScopes } from "./call-scope.js";
import { createContainers } from "./containers.js";
import type { DockerClient, DockerClientLog, DockerClientOptions } from "./docker-client.js";
import { parseEndpoint } from "./endpoint.js";
import { createEngine } from "./engine.js";
import { createEngineHttp } from "./engine-http.js";
import type { EngineVersion } from "./engine-types.js";
import { DockerError } from "./errors.js";
import { createExec } from "./exec.js";
import { createImages } from "./images.js";
import { versionShape } from "./reply-shapes.js";

const silent: DockerClientLog = { debug: () => undefined, warn: () => undefined };

/**
 * Makes a client of the engine at `options.endpoint`. Nothing is sent before the first call. Throws
 * a `DockerError` with `invalid_argument` for options that make no sense.
 */
export function createDockerClient(options: DockerClientOptions): DockerClient {
  const { endpoint, minApiVersion = "1.41", maxApiVersion = "1.56" } = options;
  const { requestTimeoutMs = 120_000, maxSockets = 32, log = silent } = options;
  const parsed = parseEndpoint(endpoint);
  check(isApiVersion(minApiVersion), "minApiVersion must read like 1.41");
  check(isApiVersion(maxApiVersion), "maxApiVersion must read like 1.56");
  check(requestTimeoutMs > 0 && requestTimeoutMs < 2 ** 31, "requestTimeoutMs must be positive");
  check(Number.isInteger(maxSockets) && maxSockets > 0, "maxSockets must be a positive integer");

  const http = createEngineHttp({
    endpoint,
    parsed,
    requestTimeoutMs,
    agents: createEngineAgents(maxSockets),
    scopes: createCallScopes(),
    onRequest: options.onRequest,
    createNegotiator: (unversioned) =>
      createApiVersionNegotiator(
        { min: minApiVersion, max: maxApiVersion },
        async () => {
          const version = await unversioned.json<EngineVersion>({
            operation: "apiVersion",
            method: "GET",
            path: "/version",
            shape: versionShape,
            unversioned: true,
          });
          const max = version.ApiVersion;
          return { min: version.MinAPIVersion ?? max, max, release: version.Version };
        },
        (apiVersion, release) => log.debug({ apiVersion, release }, "docker API negotiated"),
      ),
  });
  return {
    endpoint,
    ...createEngine(http, parsed, log),
    containers: createContainers(http),
    exec: createExec(http),
    images: createImages(http),
    close: async () => http.close(),
  };
}

function check(condition: boolean, engineMessage: string): void {
  if (!condition) {
    const operation = "createDockerClient";
    throw new DockerError({ code: "invalid_argument", operation, engineMessage });
  }
}
