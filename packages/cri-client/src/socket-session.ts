import type { OutgoingHttpHeaders } from "node:http2";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from "node:http2";
import { connect as connectSocket } from "node:net";

/** What Connect's gRPC transport asks of the keeper of its connection. */
export interface SocketSession {
  readonly authority: string;
  request(method: string, path: string, headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream>;
  notifyResponseByteRead(): void;
  /** Ends the connection and its streams. A later request would open a new one. */
  destroy(): void;
}

/**
 * One HTTP/2 connection over a unix socket, opened for the first request and again
 * for the first one after it was lost. It doesn't keep the process alive while no
 * request is under way.
 *
 * Connect's own Http2SessionManager is not used because it stops listening for errors
 * of a connection that it has given up, and Node then ends the process over them, for
 * example when the peer speaks HTTP/1.
 */
export function createSocketSession(authority: string, socketPath: string): SocketSession {
  let current: Promise<ClientHttp2Session> | undefined;

  function open(): Promise<ClientHttp2Session> {
    const opening = new Promise<ClientHttp2Session>((resolve, reject) => {
      const session = connectHttp2(authority, {
        createConnection: () => connectSocket(socketPath),
      });
      const forget = () => {
        if (current === opening) current = undefined;
      };
      session.once("connect", () => {
        session.unref();
        resolve(session);
      });
      // Stays for good: after the connection is up, its streams report the error.
      session.on("error", (error) => {
        forget();
        reject(error);
      });
      session.once("goaway", forget);
      session.once("close", () => {
        forget();
        reject(new Error("the connection was closed before it was up"));
      });
    });
    current = opening;
    return opening;
  }

  return {
    authority,
    async request(method, path, headers) {
      let session = await (current ?? open());
      if (session.closed || session.destroyed) session = await open();
      const stream = session.request({ ...headers, ":method": method, ":path": path });
      holdOpen(session, stream);
      return stream;
    },
    notifyResponseByteRead() {
      // Of use to a keep-alive by PING, which a unix socket needs none of.
    },
    destroy() {
      const ending = current;
      current = undefined;
      ending?.then(
        (session) => session.destroy(),
        () => {},
      );
    },
  };
}

const openStreams = new WeakMap<ClientHttp2Session, number>();

/** Lets the connection keep the process alive until the stream has ended. */
function holdOpen(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
  const count = (openStreams.get(session) ?? 0) + 1;
  openStreams.set(session, count);
  if (count === 1) session.ref();
  stream.once("close", () => {
    const left = (openStreams.get(session) ?? 1) - 1;
    openStreams.set(session, left);
    if (left === 0 && !session.destroyed) session.unref();
  });
}
