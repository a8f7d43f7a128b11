import type { Agent, IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Endpoint } from "./endpoint.js";

/** What docker-modem's `dial` takes, as far as it is used here. */
export interface DialOptions {
  method: string;
  /** Ends in `?` when there is a query. */
  path: string;
  headers: Record<string, string>;
  /** `_body` of `{}` means no body, unless `allowEmpty`. */
  options: { _query: Record<string, unknown>; _body: unknown };
  allowEmpty: boolean;
  file?: Readable;
  hijack: boolean;
  isStream: true;
  statusCodes: Readonly<Record<number, true>>;
  abortSignal: AbortSignal;
}

/** docker-modem, as far as it is used here. */
export interface Modem {
  dial(
    options: DialOptions,
    callback: (error: Error | null, reply: IncomingMessage | Socket | null) => void,
  ): void;
}

type ModemConstructor = new (options: Record<string, unknown>) => Modem;

// dockerode's requests are made by docker-modem, and only that is loaded: dockerode's entry point
// also loads gRPC and protobuf for BuildKit, which cost 12 MB of resident memory and 60 ms at the
// start. Its methods would not do either: they never settle when a reply is cut off, hide the
// status and the headers, and cannot be aborted once a stream flows. Resolving docker-modem from
// dockerode gives the version that dockerode asks for.
const fromDockerode = createRequire(createRequire(import.meta.url).resolve("dockerode"));
const ModemClass = fromDockerode("docker-modem") as ModemConstructor;

/** All statuses count as a success for the modem, so that the reply itself is handed over. */
export const anyStatus: Readonly<Record<number, true>> = Object.freeze(
  Object.fromEntries(Array.from({ length: 600 }, (_, status) => [status, true as const])),
);

/**
 * A modem for the endpoint. It carries no API version: the modem has one mutable version for all
 * calls, which would race with a renegotiation, so the version is put into the path instead.
 */
export function createModem(endpoint: Endpoint, agent: Agent): Modem {
  return withoutDockerEnvironment(
    () =>
      new ModemClass({
        protocol: "http",
        socketPath: endpoint.kind === "unix" ? endpoint.socketPath : undefined,
        host: endpoint.kind === "tcp" ? hostOfUrl(endpoint.host) : undefined,
        port: endpoint.kind === "tcp" ? endpoint.port : undefined,
        agent,
      }),
  );
}

function hostOfUrl(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/**
 * The modem's constructor reads DOCKER_HOST whatever its options say: it throws when that makes no
 * sense or its certificates are missing, and takes a timeout from its surroundings. The endpoint is
 * an explicit option here, so the constructor must not see it.
 */
function withoutDockerEnvironment<T>(make: () => T): T {
  const host = process.env.DOCKER_HOST;
  if (host === undefined) {
    return make();
  }
  delete process.env.DOCKER_HOST;
  try {
    return make();
  } finally {
    process.env.DOCKER_HOST = host;
  }
}
