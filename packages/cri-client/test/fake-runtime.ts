import { constants, createServer, type ServerHttp2Session } from "node:http2";
import type { ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

export interface FakeRuntime {
  /** Number of connections accepted so far. */
  connections(): number;
  /** Refuses so many streams from now on, as a server does that is about to end. */
  refuse(streams: number): void;
  /** Stops listening and cuts every connection off. */
  close(): Promise<void>;
}

/** Serves CRI over HTTP/2 on a unix socket, as a runtime does. */
export async function startFakeRuntime(
  socketPath: string,
  routes: (router: ConnectRouter) => void,
): Promise<FakeRuntime> {
  const sessions = new Set<ServerHttp2Session>();
  let connections = 0;
  let toRefuse = 0;
  const answer = connectNodeAdapter({ routes, readMaxBytes: 64 * 1024 * 1024 });
  const server = createServer((request, response) => {
    if (toRefuse === 0) return answer(request, response);
    toRefuse -= 1;
    request.stream.close(constants.NGHTTP2_REFUSED_STREAM);
  });
  server.on("session", (session) => {
    connections += 1;
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  return {
    connections: () => connections,
    refuse(streams) {
      toRefuse = streams;
    },
    close: () =>
      new Promise((resolve) => {
        // A second close reports that the server does not run any more.
        server.close(() => resolve());
        for (const session of sessions) session.destroy();
      }),
  };
}
