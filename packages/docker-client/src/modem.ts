import type { Readable } from "node:stream";
import type { EngineRequest } from "./engine-request.js";
import { DockerError } from "./errors.js";

/** A request as dockerode's classes describe it to their modem, as far as it is used here. */
export interface DialOptions {
  method: EngineRequest["method"];
  /** Without the version. One that ends in `?` takes the options as its query. */
  path: string;
  options?: Record<string, EngineQueryValue>;
  /** The body, where it is a tar. */
  file?: Readable | Uint8Array;
}

type EngineQueryValue = NonNullable<EngineRequest["query"]>[string];

/** What dockerode's classes need of a modem. */
export interface Modem {
  readonly Promise: PromiseConstructor;
  dial(options: DialOptions, callback: (error: unknown, reply?: unknown) => void): void;
}

/** What dockerode's classes do not tell of a request. */
export type ModemCall = Pick<
  EngineRequest,
  "operation" | "signal" | "timeoutMs" | "onHead" | "shape" | "maxReplyBytes"
>;

/**
 * A modem for one call of one of dockerode's classes, which says what is asked for; `send` does it.
 * It stands in for docker-modem, for reasons that the README lists. Whatever fails is a
 * `DockerError`, and the class hands it on as it is.
 */
export function createModem(
  call: ModemCall,
  send: (request: EngineRequest) => Promise<unknown>,
): Modem {
  return {
    Promise,
    dial(options, callback) {
      send(requestOf(call, options))
        .then((reply) => callback(null, reply))
        .catch((reason) => callback(asDockerError(call.operation, reason)));
    },
  };
}

/**
 * docker-modem would send the options of a POST both as its query and as its body. The engine wants
 * them as one or the other.
 */
function requestOf(call: ModemCall, dialed: DialOptions): EngineRequest {
  const { method, path, options = {}, file } = dialed;
  const hasQuery = path.endsWith("?");
  return {
    ...call,
    method,
    path: hasQuery ? path.slice(0, -1) : path,
    ...(hasQuery && { query: options }),
    ...(!hasQuery && method === "POST" && { body: options }),
    ...(file !== undefined && { upload: file }),
  };
}

/** A class may stumble over what the engine replied: no object, say. */
function asDockerError(operation: string, reason: unknown): DockerError {
  return reason instanceof DockerError
    ? reason
    : new DockerError({
        code: "server_error",
        operation,
        engineMessage: `the engine's reply cannot be read: ${String(reason)}`,
        cause: reason,
      });
}
