import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { ShimContext } from "../context.js";
import { createCallInterceptor } from "./call-interceptor.js";
import { registerImageService } from "./image-service.js";
import { registerRuntimeService } from "./runtime-service.js";
import { listenOnUnixSocket } from "./unix-socket.js";

/** The gRPC server on its unix socket. */
export interface GrpcServer {
  /** Takes no new calls, lets running ones finish for a while, then cuts them off. */
  close(graceMs: number): Promise<void>;
}

/** CRI's own bound for a message, in bytes. */
const maxMessageBytes = 16 * 1024 * 1024;

/** Serves both CRI services on a unix socket. */
export async function serveGrpc(context: ShimContext, path: string): Promise<GrpcServer> {
  const handler = connectNodeAdapter({
    connect: false,
    grpcWeb: false,
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: maxMessageBytes,
    interceptors: [createCallInterceptor(context.log)],
    routes: (router) => {
      registerRuntimeService(router, context);
      registerImageService(router, context);
    },
  });
  const server = createServer(handler);
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
