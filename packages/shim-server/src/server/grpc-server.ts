import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { createServer as createListener, type Socket } from "node:net";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import type { Logger } from "pino";
import { maxMessageBytes } from "../messages/message-size.js";
import type { CallObserver } from "../observed/observers.js";
import type { Tracing } from "../observed/tracing.js";
import type { Engine } from "../state/engine.js";
import type { EventFeed } from "../state/event-feed.js";
import type { PodTimelines } from "../telemetry/pod-timelines.js";
import { createCallInterceptor } from "./call-interceptor.js";
import { createCallLog } from "./call-log.js";
import { createFrameworkHandler } from "./framework-handler.js";
import { registerHealthService } from "./health-service.js";
import { createHotCalls } from "./hot-calls.js";
import { hotCallsOf, type Routes, serveRoutes } from "./route.js";
import { askToLeave } from "./session-end.js";
import { createStreamWatch, type StreamWatch } from "./stream-watch.js";
import { registerTimelineService } from "./timeline-service.js";
import { type CriSocket, listenOnCriSocket, takeLastConnections } from "./unix-socket.js";

/** The gRPC server on its unix socket. */
export interface GrpcServer {
  /** Takes no new calls, lets running ones finish for a while, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** What is served, and who is told of it. */
export interface GrpcServerParts {
  readonly runtime: Routes<typeof RuntimeService>;
  readonly image: Routes<typeof ImageService>;
  readonly feed: Pick<EventFeed, "ready" | "current">;
  readonly engine: Pick<Engine, "connected">;
  readonly log: Logger;
  /** Undefined when nobody wants to know. */
  readonly onCall: CallObserver | undefined;
  /** Undefined when it is not configured. */
  readonly tracing: Tracing | undefined;
  readonly timelines: PodTimelines;
}

/**
 * The most bytes of a request's headers; what is larger is reset. The framework's own errors quote
 * them, and a byte of a quoted one may become three in the reply's.
 */
const maxHeaderListBytes = 16 * 1024;

/** More calls of one connection wait for earlier ones to end; the client is told so. */
const maxCallsPerConnection = 1_000;

/** How long a client may take to hear that the server ends, in ms, before it is ended without its having heard. */
const noticeMs = 1_000;

/** Serves both CRI services, and gRPC's health checks, on a unix socket. */
export async function serveGrpc(parts: GrpcServerParts, socket: CriSocket): Promise<GrpcServer> {
  const { runtime, image, feed, tracing, timelines } = parts;
  const log = createCallLog(parts.log, () => !parts.engine.connected, parts.onCall);
  const handler = createFrameworkHandler(
    {
      connect: false,
      grpcWeb: false,
      readMaxBytes: maxMessageBytes,
      writeMaxBytes: maxMessageBytes,
      interceptors: [createCallInterceptor(log, tracing, timelines)],
    },
    (router) => {
      serveRoutes(router, RuntimeService, runtime, feed.ready);
      serveRoutes(router, ImageService, image, feed.ready);
      registerHealthService(router, feed);
      registerTimelineService(router, timelines);
    },
    parts.log,
  );
  const hotCalls = createHotCalls({
    calls: new Map([...hotCallsOf(RuntimeService, runtime), ...hotCallsOf(ImageService, image)]),
    current: () => feed.current,
    log,
    tracing,
  });
  // The framework's server listens nowhere: it is handed the streams that are not hot.
  const ordinary = createServer(handler);
  const server = createServer({
    settings: {
      maxHeaderListSize: maxHeaderListBytes,
      maxConcurrentStreams: maxCallsPerConnection,
    },
  });
  const watch = createStreamWatch({ log: parts.log });
  server.on("stream", (stream, headers, flags, rawHeaders) => {
    watch.call(stream, headers[":path"]);
    if (!hotCalls(stream, headers)) ordinary.emit("stream", stream, headers, flags, rawHeaders);
  });
  const connections = trackConnections(server, watch);
  // An HTTP/2 server that listens itself closes its sessions as soon as it is to listen no more.
  const listener = createListener((connection) => server.emit("connection", connection));
  await listenOnCriSocket(listener, socket);
  return {
    async close(graceMs) {
      await takeLastConnections(listener, socket);
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const session of connections.values()) askToLeave(session, noticeMs);
      const cutOff = setTimeout(() => {
        // A session would wait for its client to read what it was sent.
        for (const socket of connections.keys()) socket.destroy();
      }, graceMs);
      await closed;
      clearTimeout(cutOff);
      watch.close();
    },
  };
}

function trackConnections(
  server: Http2Server,
  watch: StreamWatch,
): ReadonlyMap<Socket, ServerHttp2Session> {
  const connections = new Map<Socket, ServerHttp2Session>();
  // A session is made within the event of its connection, and does not give its socket away.
  let arriving: Socket;
  server.prependListener("connection", (socket: Socket) => {
    arriving = socket;
  });
  server.on("session", (session) => {
    const socket = arriving;
    connections.set(socket, session);
    socket.once("close", () => connections.delete(socket));
    watch.connection(session, socket);
    // A client that goes away in the middle of a call is the client's business.
    session.on("error", () => session.destroy());
  });
  return connections;
}
