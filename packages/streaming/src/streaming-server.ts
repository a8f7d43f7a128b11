import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { StreamingError } from "./errors.js";
import { createHttpHandler } from "./http-handler.js";
import { parseBaseUrl, parseBindAddress, urlHost } from "./server-address.js";
import { createSessionRegistry, type LiveSession } from "./session-registry.js";
import {
  type AttachUrlRequest,
  type ExecUrlRequest,
  type PortForwardUrlRequest,
  type StreamRequest,
  validatePortForward,
  validateStreams,
} from "./stream-requests.js";
import type { StreamingLog, StreamingRuntime } from "./streaming-runtime.js";
import { createTokenStore } from "./tokens.js";

/** TLS of the streaming server, in PEM. */
export interface StreamingTls {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  /** If given, clients must present a certificate signed by one of these authorities. */
  readonly clientCa?: string | Buffer;
}

/** Options of {@link createStreamingServer}. */
export interface StreamingServerOptions {
  /** The host's side: runs commands and opens ports. */
  readonly runtime: StreamingRuntime;
  /** `host:port` to listen on; port 0 takes a free one. Default `127.0.0.1:0`. */
  readonly bindAddr?: string;
  /**
   * What URLs start with, such as `https://node1.example:10010`; a port of 0 is replaced by the
   * real one. Default: the bound address, with the loopback address for a wildcard.
   */
  readonly baseUrl?: string;
  /** Serves HTTPS instead of HTTP. */
  readonly tls?: StreamingTls;
  /** A connection on which nothing moves for this long is ended. Default 4 hours. */
  readonly idleTimeoutMs?: number;
  /** How long a client may take to open the streams it asked for. Default 30 seconds. */
  readonly streamCreationTimeoutMs?: number;
  /** How long a client may take to say what it wants: TLS and the head of its request. Default 5 seconds. */
  readonly headTimeoutMs?: number;
  /**
   * How many connections may be about to say what they want; the oldest goes when there is one
   * more. Default 100.
   */
  readonly maxWaiting?: number;
  /** How long a URL is valid. Default 60 seconds. */
  readonly tokenTtlMs?: number;
  /** How many URLs may be outstanding. Default 1,000. */
  readonly maxTokens?: number;
  /** Default: nothing is logged. */
  readonly log?: StreamingLog;
}

/** What the server holds at this moment; all zero when idle. */
export interface StreamingStats {
  /** URLs handed out and neither used nor expired. */
  readonly tokens: number;
  /** Sockets, including those not (or no longer) in a session. */
  readonly connections: number;
  /** Running exec, attach and port-forward sessions. */
  readonly sessions: number;
  /** SPDY streams and WebSocket channels open in those sessions. */
  readonly streams: number;
  /** Port-forward connections the runtime is serving. */
  readonly forwards: number;
  /** Bytes received from clients and not yet read by the runtime. */
  readonly bufferedBytes: number;
}

/** A CRI streaming server. */
export interface StreamingServer {
  /** Binds the address. Rejects if that fails. */
  listen(): Promise<void>;
  /** What URLs start with, without a trailing slash. Throws `not_listening` before `listen`. */
  readonly baseUrl: string;
  /**
   * Answers the CRI's Exec. Throws a {@link StreamingError}: `invalid_argument`,
   * `resource_exhausted` or `not_listening`.
   */
  execUrl(request: ExecUrlRequest): string;
  /** Answers the CRI's Attach; throws like `execUrl`. */
  attachUrl(request: AttachUrlRequest): string;
  /** Answers the CRI's PortForward; throws like `execUrl`. */
  portForwardUrl(request: PortForwardUrlRequest): string;
  stats(): StreamingStats;
  /**
   * Stops listening, forgets all tokens, lets sessions end by themselves for `graceMs` (default
   * 0), aborts the rest, and resolves when every socket is closed.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const defaults = {
  bindAddr: "127.0.0.1:0",
  idleTimeoutMs: 4 * 60 * 60 * 1000,
  streamCreationTimeoutMs: 30_000,
  headTimeoutMs: 5_000,
  maxWaiting: 100,
  tokenTtlMs: 60_000,
  maxTokens: 1000,
  log: { debug() {}, warn() {} },
} as const;

/** How long a silent connection waits before the kernel probes whether the peer still exists. */
const keepAliveMs = 30_000;
/** How long peers may take to close their sockets once the server ended their sessions. */
const closingMs = 1_000;

/**
 * Makes a server for the URLs that the CRI's Exec, Attach and PortForward return, to be served
 * to a kubelet, `crictl` or any Kubernetes client. Throws `invalid_argument` if an address
 * cannot be understood.
 */
export function createStreamingServer(options: StreamingServerOptions): StreamingServer {
  const settings = { ...defaults, ...options };
  const bind = parseBindAddress(settings.bindAddr);
  const configuredBase = options.baseUrl === undefined ? null : parseBaseUrl(options.baseUrl);
  const registry = createSessionRegistry();
  const tokens = createTokenStore<StreamRequest>({
    ttlMs: settings.tokenTtlMs,
    max: settings.maxTokens,
    now: () => performance.now(),
  });
  const context = { ...settings, registry };
  const handler = createHttpHandler(tokens, context, configuredBase?.path ?? "");
  const server = createServer(options.tls, settings.headTimeoutMs);
  const sockets = new Set<Socket>();
  const waiting = createWaitingRoom(settings.maxWaiting);
  let baseUrl: string | null = null;
  let closing: Promise<void> | null = null;

  server.on("request", handler.onRequest);
  server.on("upgrade", (message, socket, head) => {
    waiting.leave(message.socket);
    handler.onUpgrade(message, socket, head);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    waiting.enter(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
  });

  function currentBaseUrl(): string {
    if (baseUrl === null) {
      throw new StreamingError("not_listening", "the streaming server is not listening");
    }
    return baseUrl;
  }

  function urlFor(request: StreamRequest): string {
    return `${currentBaseUrl()}/${request.kind}/${tokens.insert(request)}`;
  }

  async function shutDown(graceMs: number): Promise<void> {
    baseUrl = null;
    tokens.clear();
    const closed = server.listening
      ? new Promise<void>((resolve) => server.close(() => resolve()))
      : Promise.resolve();
    server.closeIdleConnections();
    await within(graceMs, registry.empty());
    for (const session of registry.sessions()) {
      session.end(new StreamingError("server_closed", "the streaming server was closed"));
    }
    await within(closingMs, closed);
    await Promise.all(
      [...sockets].map((socket) => {
        const gone = once(socket, "close");
        socket.destroy();
        return gone;
      }),
    );
    await closed;
  }

  return {
    async listen() {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      server.once("error", reject);
      server.listen(bind.port, bind.host, resolve);
      await promise;
      server.off("error", reject);
      const { port } = server.address() as AddressInfo;
      const scheme = options.tls === undefined ? "http" : "https";
      baseUrl =
        configuredBase === null
          ? `${scheme}://${urlHost(bind.host)}:${port}`
          : configuredBase.withPort(port);
    },
    get baseUrl() {
      return currentBaseUrl();
    },
    execUrl(request) {
      validateStreams(request);
      const { containerId, tty, stdin, stdout, stderr } = request;
      return urlFor({
        kind: "exec",
        containerId,
        cmd: [...request.cmd],
        tty,
        stdin,
        stdout,
        stderr,
      });
    },
    attachUrl(request) {
      validateStreams(request);
      const { containerId, tty, stdin, stdout, stderr } = request;
      return urlFor({ kind: "attach", containerId, tty, stdin, stdout, stderr });
    },
    portForwardUrl(request) {
      validatePortForward(request);
      const { podSandboxId, ports } = request;
      return urlFor({ kind: "portforward", podSandboxId, ports: [...ports] });
    },
    stats() {
      const sessions = registry.sessions();
      const sum = (count: (session: LiveSession) => number): number =>
        sessions.reduce((total, session) => total + count(session), 0);
      return {
        tokens: tokens.count(),
        connections: sockets.size,
        sessions: sessions.length,
        streams: sum((session) => session.streams()),
        forwards: sum((session) => session.forwards()),
        bufferedBytes: sum((session) => session.bufferedBytes()),
      };
    },
    close({ graceMs = 0 } = {}) {
      closing ??= shutDown(graceMs);
      return closing;
    },
  };
}

/**
 * A server whose clients have so long for the head of a request, and twice as long for what may
 * follow; nothing that is answered has a body.
 */
function createServer(tls: StreamingTls | undefined, headTimeoutMs: number): Server {
  const patience = {
    headersTimeout: headTimeoutMs,
    requestTimeout: 2 * headTimeoutMs,
    connectionsCheckingInterval: Math.ceil(headTimeoutMs / 5),
  };
  return tls === undefined
    ? createHttpServer(patience)
    : createHttpsServer({ ...patience, ...tlsOptions(tls), handshakeTimeout: headTimeoutMs });
}

/**
 * Connections that nobody has vouched for with a token yet. Full of clients that say nothing, it
 * still lets in those that do.
 */
function createWaitingRoom(max: number): {
  enter(socket: Socket): void;
  leave(socket: Socket): void;
} {
  // By the client's end: within TLS the socket is another one.
  const waiting = new Map<string, Socket>();
  const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  return {
    enter(socket) {
      const end = endOf(socket);
      waiting.set(end, socket);
      socket.once("close", () => {
        if (waiting.get(end) === socket) waiting.delete(end);
      });
      const [oldest] = waiting.values();
      if (waiting.size > max) oldest?.destroy();
    },
    leave(socket) {
      waiting.delete(endOf(socket));
    },
  };
}

function tlsOptions(tls: StreamingTls): ServerOptions {
  const { cert, key, clientCa } = tls;
  return clientCa === undefined
    ? { cert, key }
    : { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

/** Waits for a promise, but not longer than a number of milliseconds. */
async function within(milliseconds: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}
