import type { Duplex, Readable, Writable } from "node:stream";
import { StreamingError } from "./errors.js";
import { requestUpgrade, spdyHeaders } from "./request-upgrade.js";
import { SpdyConnection } from "./spdy-connection.js";
import type { SpdyStream } from "./spdy-stream.js";
import { spdyPortForwardProtocol } from "./stream-protocols.js";

export { StreamingError, type StreamingErrorCode } from "./errors.js";

/** So much may be received and not read yet, over all streams of a session, in bytes. */
const receiveBufferBytes = 1024 * 1024;

/** One connection to a port of a pod. */
export interface ForwardedConnection {
  /** Ends in one direction at a time, as a socket does. Destroyed when the port's side fails. */
  readonly stream: Duplex;
  /** Why the port could not be reached, in the runtime's words; empty when all went well. */
  readonly failure: Promise<string>;
}

/** A session behind a URL of CRI's PortForward, for any number of connections. */
export interface PortForwardSession {
  /**
   * Opens a connection to a port (1 to 65535) of the pod.
   *
   * @throws StreamingError client_gone when the session has ended.
   */
  connect(port: number): Promise<ForwardedConnection>;
  /** Resolves when the session is over, from whichever side. */
  readonly closed: Promise<void>;
  /** Ends the session with its connections. */
  close(): void;
}

/** Which of a command's streams are wanted: as the URL was asked for. */
export interface ExecStreamsWanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** A session behind a URL of CRI's Exec or Attach, without a terminal. */
export interface ExecClientSession {
  /** Its end is the end of the command's input. Null where it was not wanted, as are the others. */
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /**
   * The Status object (JSON, of Kubernetes' API) that the session ends with; empty when it broke off. The output has to be
   * read for it to come.
   */
  readonly status: Promise<string>;
  /** Ends the session; the runtime ends the command. */
  close(): void;
}

/**
 * Opens a URL of CRI's PortForward, of any runtime, over SPDY: WebSocket's protocols cannot end one direction of a
 * connection, and have one connection for each port.
 *
 * @param url Absolute, `http:` or `https:`; good for one session.
 * @throws StreamingError client_gone when nobody answers there, protocol_error when the answer is no upgrade.
 */
export async function openPortForward(url: string): Promise<PortForwardSession> {
  const { connection, closed } = await dial(url, [spdyPortForwardProtocol]);
  let requests = 0;
  return {
    closed,
    close: () => connection.close(),
    async connect(port) {
      const headers = { port: String(port), requestid: String(requests++) };
      const error = await connection.openStream({ streamtype: "error", ...headers });
      error.end();
      const failure = textOf(error);
      const stream = await connection.openStream({ streamtype: "data", ...headers });
      return { stream, failure };
    },
  };
}

/**
 * Opens a URL of CRI's Exec or Attach, of any runtime, over SPDY, in which input has an end with every runtime:
 * with WebSocket only those have it that know `v5.channel.k8s.io`.
 *
 * @param url Absolute, `http:` or `https:`; good for one session.
 * @throws StreamingError client_gone when nobody answers there, protocol_error when the answer is no upgrade.
 */
export async function openExec(url: string, wanted: ExecStreamsWanted): Promise<ExecClientSession> {
  const { connection } = await dial(url, ["v4.channel.k8s.io"]);
  const open = (streamtype: string): Promise<SpdyStream> => connection.openStream({ streamtype });
  const error = await open("error");
  const status = textOf(error);
  const stdin = wanted.stdin ? await open("stdin") : null;
  const stdout = wanted.stdout ? await open("stdout") : null;
  const stderr = wanted.stderr ? await open("stderr") : null;
  // Nothing is read from an input, but its end is.
  stdin?.resume();
  return { stdin, stdout, stderr, status, close: () => connection.close() };
}

/** All of a stream; what broke off is what came until then. */
async function textOf(stream: Readable): Promise<string> {
  let all = "";
  stream.on("data", (chunk: Buffer) => {
    all += chunk;
  });
  await new Promise((resolve) => stream.once("end", resolve).once("close", resolve));
  return all;
}

interface Dialled {
  readonly connection: SpdyConnection;
  readonly closed: Promise<void>;
}

async function dial(url: string, protocols: readonly string[]): Promise<Dialled> {
  const answer = await requestUpgrade(url, spdyHeaders(protocols)).catch((error: Error) => {
    throw new StreamingError("client_gone", error.message, { cause: error });
  });
  if (!("socket" in answer)) {
    const said = `it answered ${answer.status} ${answer.body.trim()}`.trim();
    throw new StreamingError("protocol_error", said);
  }
  const { socket, head } = answer;
  if (head.length > 0) socket.unshift(head);
  socket.setNoDelay(true);
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const connection = new SpdyConnection(socket, {
    role: "client",
    idleTimeoutMs: 0,
    maxStreams: 0,
    receiveBufferBytes,
    onClosed,
  });
  return { connection, closed };
}
