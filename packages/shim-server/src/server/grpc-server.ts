import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { ShimContext } from "../context.js";
import { createCallInterceptor } from "./call-interceptor.js";
import { createCallLog } from "./call-log.js";
import { registerHealthService } from "./health-service.js";
import { createHotCalls, maxMessageBytes } from "./hot-calls.js";
import { createHotReplies } from "./hot-replies.js";
import { registerImageService } from "./image-service.js";
import { registerRuntimeService } from "./runtime-service.js";
import { listenOnUnixSocket } from "./unix-socket.js";

/** The gRPC server on its unix socket. */
export interface GrpcServer {
  /** Takes no new calls, lets running ones finish for a while, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** Serves both CRI services on a unix socket. */
export async function serveGrpc(context: ShimContext, path: string): Promise<GrpcServer> {
  const log = createCallLog(context.log, context.metrics?.onCall);
  const { tracing } = context;
  const handler = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    interceptors: [createCallInterceptor(log, tracing)],
    routes: (router) => {
      registerRuntimeService(router, context);
      registerImageService(router, context);
      registerHealthService(router, context);
    },
  });
  const hotCalls = createHotCalls({
    calls: createHotReplies(context),
    current: () => context.feed.current,
    log,
    tracing,
  });
  // The framework's server listens nowhere: it is handed the streams that are not hot.
  const ordinary = createServer(handler);
  const server = createServer();
  server.on("stream", (stream, headers, flags, rawHeaders) => {
    if (!hotCalls(stream, headers)) ordinary.emit("stream", stream, headers, flags, rawHeaders);
  });
  const sessions = trackSessions(server);
  await listenOnUnixSocket(server, path);
  return {
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // A closed HTTP/2 session finishes its open streams and takes no new ones.
      for (const session of sessions) session.close();
      const cutOff = setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, graceMs);
      await closed;
      clearTimeout(cutOff);
    },
  };
}

function trackSessions(server: Http2Server): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    // A client that goes away in the middle of a call is the client's business.
    session.on("error", () => session.destroy());
  });
  return sessions;
}
