import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { serveTerminalSpdy } from "./exec-session-spdy.js";
import { servePortForwardSpdy } from "./port-forward-spdy.js";
import { maxForwardedPorts, servePortForwardWebSocket } from "./port-forward-websocket.js";
import type { SessionContext } from "./session-registry.js";
import {
  parseProtocolHeader,
  spdyPortForwardProtocol,
  spdyTerminalProtocols,
  tunnelProtocol,
  webSocketPortForwardProtocols,
  webSocketTerminalProtocols,
} from "./stream-protocols.js";
import type { StreamRequest } from "./stream-requests.js";
import type { TokenStore } from "./tokens.js";
import { WebSocketByteStream } from "./tunnel.js";
import { serveTerminalWebSocket } from "./websocket-session.js";

/** The largest WebSocket message accepted, in bytes; usual clients send 32 KiB. */
const maxMessageBytes = 8 * 1024 * 1024;
/** How long a WebSocket client may take to read what the kernel holds and to say goodbye. */
const closeTimeoutMs = 60_000;

/** `closeTimeout` exists since ws 8.19, but not yet in its types. */
const webSocketOptions: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: maxMessageBytes,
  closeTimeout: closeTimeoutMs,
};

/** The two listeners of an HTTP server. */
export interface HttpHandler {
  onRequest(request: IncomingMessage, response: ServerResponse): void;
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/** An answer other than an upgrade. Clients print the body as it is. */
interface Refusal {
  readonly status: number;
  readonly body: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What turns an upgraded connection into a session. */
interface Upgrade {
  readonly carrier: "spdy" | "websocket";
  readonly protocol: string;
  readonly request: StreamRequest;
}

const notFound: Refusal = { status: 404, body: "404 page not found\n" };

/** Answers requests for `{basePath}/exec|attach|portforward/{token}`. */
export function createHttpHandler(
  tokens: TokenStore<StreamRequest>,
  context: SessionContext,
  basePath: string,
): HttpHandler {
  const chosenProtocols = new WeakMap<IncomingMessage, string>();
  const webSocketServer = new WebSocketServer(webSocketOptions);
  webSocketServer.on("headers", (headers, request) => {
    const protocol = chosenProtocols.get(request) ?? "";
    if (protocol !== "") headers.push(`Sec-WebSocket-Protocol: ${protocol}`);
  });

  function decide(message: IncomingMessage): Upgrade | Refusal {
    const request = findRequest(message);
    if (request === undefined) return notFound;
    if (message.method !== "GET" && message.method !== "POST") {
      return { status: 405, body: "only GET and POST are supported\n" };
    }
    return asksToUpgrade(message, "websocket")
      ? decideWebSocket(message, request)
      : decideSpdy(message, request);
  }

  /** A token is used up by the first request for it, even if that fails. */
  function findRequest(message: IncomingMessage): StreamRequest | undefined {
    const path = (message.url ?? "").split("?", 1)[0] ?? "";
    if (!path.startsWith(`${basePath}/`)) return undefined;
    const [kind, token, ...rest] = path.slice(basePath.length + 1).split("/");
    if (kind === undefined || token === undefined || rest.length > 0) return undefined;
    const request = tokens.consume(token);
    return request?.kind === kind ? request : undefined;
  }

  function serve(upgrade: Upgrade, socket: Duplex): Promise<void> {
    const { request, protocol } = upgrade;
    return request.kind === "portforward"
      ? servePortForwardSpdy(socket, request.podSandboxId, context)
      : serveTerminalSpdy(socket, protocol, request, context);
  }

  function serveWebSocket(upgrade: Upgrade, socket: WebSocket): Promise<void> {
    const { request, protocol } = upgrade;
    if (request.kind !== "portforward") {
      const channels = webSocketTerminalProtocols.get(protocol);
      return channels === undefined
        ? Promise.resolve(socket.terminate())
        : serveTerminalWebSocket(socket, channels, request, context);
    }
    const channels = webSocketPortForwardProtocols.get(protocol);
    return channels === undefined
      ? servePortForwardSpdy(new WebSocketByteStream(socket), request.podSandboxId, context)
      : servePortForwardWebSocket(socket, channels, request, context);
  }

  function watch(session: Promise<void>): void {
    session.catch((error: unknown) => {
      context.log.warn("streaming session failed", { error: String(error) });
    });
  }

  return {
    onRequest(message, response) {
      const decision = decide(message);
      const refusal = "status" in decision ? decision : notUpgradable;
      for (const [name, value] of refusal.headers ?? []) response.appendHeader(name, value);
      response.writeHead(refusal.status, { "Content-Type": "text/plain", Connection: "close" });
      response.end(refusal.body);
    },

    onUpgrade(message, socket, head) {
      // Until a session takes over, a client that goes away concerns nobody.
      socket.on("error", () => {});
      const decision = decide(message);
      if ("status" in decision) {
        refuse(socket, decision);
        return;
      }
      const { carrier, protocol } = decision;
      if (carrier === "websocket") {
        // The WebSocket library rejects the slash in the tunnel's name, so it is not shown the
        // names that were offered; the answer is added above.
        delete message.headers["sec-websocket-protocol"];
        chosenProtocols.set(message, protocol);
        webSocketServer.handleUpgrade(message, socket, head, (webSocket) => {
          watch(serveWebSocket(decision, webSocket));
        });
        return;
      }
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
          `X-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
      );
      if (head.length > 0) socket.unshift(head);
      watch(serve(decision, socket));
    },
  };
}

function decideWebSocket(message: IncomingMessage, request: StreamRequest): Upgrade | Refusal {
  const offered = parseProtocolHeader(message.headers["sec-websocket-protocol"]);
  const known =
    request.kind === "portforward"
      ? [tunnelProtocol, ...webSocketPortForwardProtocols.keys()]
      : [...webSocketTerminalProtocols.keys()];
  const protocol = offered.length === 0 ? "" : offered.find((name) => known.includes(name));
  if (protocol === undefined) return { status: 403, body: "" };
  if (request.kind === "portforward") {
    const channels = webSocketPortForwardProtocols.get(protocol);
    const { length } = request.ports;
    if (channels !== undefined && (length === 0 || length > maxForwardedPorts(channels))) {
      return { status: 400, body: `this protocol cannot forward ${length} ports\n` };
    }
  }
  return { carrier: "websocket", protocol, request };
}

function decideSpdy(message: IncomingMessage, request: StreamRequest): Upgrade | Refusal {
  const supported =
    request.kind === "portforward" ? [spdyPortForwardProtocol] : spdyTerminalProtocols;
  const offered = parseProtocolHeader(message.headers["x-stream-protocol-version"]);
  if (offered.length === 0) {
    return { status: 400, body: "unable to upgrade: X-Stream-Protocol-Version is required\n" };
  }
  const protocol = offered.find((name) => supported.includes(name));
  if (protocol === undefined) {
    return {
      status: 403,
      body: `unable to upgrade: none of ${offered.join(", ")} is supported\n`,
      headers: supported.map((name) => ["X-Accepted-Stream-Protocol-Versions", name] as const),
    };
  }
  if (!asksToUpgrade(message, "spdy/3.1")) return notUpgradable;
  return { carrier: "spdy", protocol, request };
}

const notUpgradable: Refusal = {
  status: 400,
  body: "unable to upgrade: missing upgrade headers in request\n",
};

function asksToUpgrade(message: IncomingMessage, to: string): boolean {
  return (
    (message.headers.connection ?? "").toLowerCase().includes("upgrade") &&
    (message.headers.upgrade ?? "").toLowerCase().includes(to)
  );
}

function refuse(socket: Duplex, refusal: Refusal): void {
  const lines = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ""}`,
    "Content-Type: text/plain",
    "Connection: close",
    `Content-Length: ${Buffer.byteLength(refusal.body)}`,
    ...(refusal.headers ?? []).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${refusal.body}`, () => socket.destroy());
}
