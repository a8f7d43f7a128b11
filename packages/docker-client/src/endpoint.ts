import { DockerError } from "./errors.js";

/** Where the engine listens. */
export type Endpoint =
  | { kind: "unix"; socketPath: string }
  | { kind: "tcp"; host: string; port: number };

/**
 * Reads `unix:///path` and `tcp://host:port` (`http://` means the same). Throws a `DockerError`
 * with `invalid_argument` for anything else.
 */
export function parseEndpoint(endpoint: string): Endpoint {
  if (endpoint.startsWith("unix://")) {
    const socketPath = endpoint.slice("unix://".length);
    if (!socketPath.startsWith("/")) {
      throw invalid(
        endpoint,
        "the path of a unix socket must be absolute: unix:///run/docker.sock",
      );
    }
    return { kind: "unix", socketPath };
  }
  const match = /^(?:tcp|http):\/\/(\[[0-9a-fA-F:.]+\]|[^/:@?#[\]]+):(\d{1,5})\/?$/.exec(endpoint);
  const host = match?.[1];
  const port = Number(match?.[2]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw invalid(endpoint, "expected unix:///path/to/docker.sock or tcp://host:port");
  }
  return { kind: "tcp", host: host.replace(/^\[|\]$/g, ""), port };
}

function invalid(endpoint: string, why: string): DockerError {
  return new DockerError({
    code: "invalid_argument",
    operation: "createDockerClient",
    engineMessage: `endpoint ${JSON.stringify(endpoint)}: ${why}`,
  });
}
