import { type Agent, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Endpoint } from "./endpoint.js";
import type { EngineRequest } from "./engine-request.js";
import { sendUpload } from "./upload.js";

/** What {@link exchange} sends, and how. */
export interface ExchangeOptions {
  endpoint: Endpoint;
  agent: Agent;
  request: EngineRequest;
  /** Put before the path: the API version. */
  prefix: string;
  /** Ask to take the connection over. */
  hijack: boolean;
  /** Ends the exchange, and the reading of the reply, at any time. */
  signal: AbortSignal;
}

/**
 * Sends one request. Resolves with the head of the reply, whatever its status, or with the
 * connection when the engine hands it over. Fails with the signal's reason, or as Node reports.
 */
export function exchange(options: ExchangeOptions): Promise<IncomingMessage | Socket> {
  const { endpoint, agent, request, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const body = request.body === undefined ? undefined : JSON.stringify(request.body);
    const outgoing = httpRequest({
      ...(endpoint.kind === "unix"
        ? { socketPath: endpoint.socketPath }
        : { host: endpoint.host, port: endpoint.port }),
      agent,
      method: request.method,
      path: options.prefix + request.path + queryOf(request),
      headers: headersOf(request, body, options.hijack),
      signal,
    });
    // A request that waits for a connection of the pool notices its abort only when it gets one,
    // so the abort is listened to here as well.
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = () => signal.removeEventListener("abort", onAbort);

    outgoing.on("response", (reply) => {
      settled();
      // Whoever reads the reply sees its error; but it may break before anyone does.
      reply.on("error", () => undefined);
      resolve(reply);
    });
    outgoing.on("upgrade", (_head, socket: Socket, first) => {
      settled();
      socket.on("error", () => undefined);
      if (first.length > 0) socket.unshift(first);
      resolve(socket);
    });
    outgoing.on("error", (error) => {
      settled();
      reject(error);
    });
    if (request.upload === undefined) outgoing.end(body);
    else sendUpload(outgoing, request.upload);
  });
}

function queryOf(request: EngineRequest): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) {
        query.append(name, typeof one === "object" ? JSON.stringify(one) : String(one));
      }
    }
  }
  return query.size > 0 ? `?${query}` : "";
}

function headersOf(
  request: EngineRequest,
  body: string | undefined,
  hijack: boolean,
): Record<string, string | number> {
  return {
    ...request.headers,
    ...(body !== undefined && {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    }),
    ...(request.upload !== undefined && {
      "Content-Type": "application/x-tar",
      Expect: "100-continue",
    }),
    ...(hijack && { Connection: "Upgrade", Upgrade: "tcp" }),
  };
}
