import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { Logger } from "pino";

/** Ends what a client neither completes nor reads; see {@link createStreamWatch}. */
export interface StreamWatch {
  /** Watches a connection until it is closed. */
  connection(session: ServerHttp2Session, socket: Socket): void;
  /** Watches a call until it is closed. @param path What it asked for, for the log. */
  call(stream: ServerHttp2Stream, path: string | undefined): void;
  close(): void;
}

export interface StreamWatchOptions {
  /**
   * How long a client may take to complete a request, to take any of what it is sent, and to
   * answer a ping, in ms. A message is 16 MiB at most, and comes over a unix socket.
   */
  readonly patienceMs?: number;
  /** How much may wait for all clients together, in bytes, before who waits longest is ended. */
  readonly unreadBytes?: number;
  readonly log: Pick<Logger, "warn">;
}

interface Connection {
  readonly session: ServerHttp2Session;
  /** Looks since a ping that has not been answered; 0 without one. */
  unanswered: number;
}

/** What is remembered of a call between two looks; most calls are over before the first. */
interface Call {
  /** Bytes that wait for the client. */
  waiting: number;
  /** Looks since anything moved. */
  still: number;
}

/** Patience is counted in looks, not by the clock: a machine that sleeps, or is busy, uses up none. */
const looks = 6;

/** The paths of all calls are shorter. */
const maxLoggedPath = 100;

/**
 * A reader that never reads costs what it is sent, for as long as it stays. So a call of which
 * nothing moves is ended, and so is a connection that answers no ping: its socket is not read.
 * A call for which there is nothing to send may wait for ever, as a reader of events does.
 */
export function createStreamWatch(options: StreamWatchOptions): StreamWatch {
  const { patienceMs = 30_000, unreadBytes = 128 * 1024 * 1024, log } = options;
  const connections = new Map<Socket, Connection>();
  // By their paths. A hot call costs some twenty microseconds, so as little as possible is kept here.
  const open = new Map<ServerHttp2Stream, string>();
  const seen = new Map<ServerHttp2Stream, Call>();
  const timer = setInterval(look, patienceMs / looks);
  timer.unref();

  function look(): void {
    for (const [socket, connection] of connections) lookAtConnection(socket, connection);
    for (const stream of open.keys()) lookAtCall(stream);
    makeRoom();
  }

  function lookAtConnection(socket: Socket, connection: Connection): void {
    const { session } = connection;
    if (connection.unanswered > looks) {
      log.warn({ reason: "it answers nothing" }, "a client's connection was cut");
      // The session would wait for the client to read what it was sent.
      socket.destroy();
    } else if (connection.unanswered > 0) {
      connection.unanswered++;
    } else if (!session.destroyed) {
      connection.unanswered = 1;
      session.ping(() => {
        connection.unanswered = 0;
      });
    }
  }

  function lookAtCall(stream: ServerHttp2Stream): void {
    const waiting = stream.writableLength;
    const call = seen.get(stream) ?? { waiting: 0, still: 0 };
    seen.set(stream, call);
    const idle = waiting === 0 && isComplete(stream);
    call.still = idle || waiting !== call.waiting ? 0 : call.still + 1;
    call.waiting = waiting;
    if (call.still >= looks) {
      end(stream, waiting === 0 ? "its request stays incomplete" : "it reads nothing");
    }
  }

  function end(stream: ServerHttp2Stream, reason: string): void {
    const path = open.get(stream)?.slice(0, maxLoggedPath);
    log.warn({ path, reason }, "a client's call was ended");
    forget.call(stream);
    stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  function forget(this: ServerHttp2Stream): void {
    open.delete(this);
    seen.delete(this);
  }

  function makeRoom(): void {
    let waiting = 0;
    for (const stream of open.keys()) waiting += stream.writableLength;
    if (waiting <= unreadBytes) return;
    const stillOf = (stream: ServerHttp2Stream): number => seen.get(stream)?.still ?? 0;
    for (const stream of [...open.keys()].sort((a, b) => stillOf(b) - stillOf(a))) {
      const { writableLength } = stream;
      if (writableLength === 0) continue;
      end(stream, "too much waits for clients that do not read");
      waiting -= writableLength;
      if (waiting <= unreadBytes) return;
    }
  }

  return {
    connection(session, socket) {
      connections.set(socket, { session, unanswered: 0 });
      socket.once("close", () => connections.delete(socket));
    },
    call(stream, path = "") {
      makeRoom();
      open.set(stream, path);
      stream.on("close", forget);
    },
    close() {
      clearInterval(timer);
    },
  };
}

/** Whether all of the request has come. */
function isComplete(stream: ServerHttp2Stream): boolean {
  return stream.endAfterHeaders || stream.readableEnded;
}
