import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect as connectSocket } from "node:net";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";

/** A gRPC status other than OK. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";
  /** The number of the status, as in gRPC's statuscodes.md; 12 is UNIMPLEMENTED. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** A reply and what it took. */
export interface Timed<Reply> {
  readonly reply: Reply;
  /** From the first request byte to the end of the reply, in ms; coding is not in it. */
  readonly ms: number;
  readonly replyBytes: number;
}

/**
 * A gRPC caller that does as little as the protocol allows, so that what is measured is the server.
 * What it costs itself is measured too; see client-cost.ts.
 */
export interface CriCaller {
  call<Request extends DescMessage, Reply extends DescMessage>(
    method: DescMethodUnary<Request, Reply>,
    request: MessageInitShape<Request>,
  ): Promise<Timed<MessageShape<Reply>>>;
  close(): void;
}

/** No call of a benchmark should take longer; one that does is an error, not a figure. */
const deadlineMs = 240_000;
/** Lists of hundreds of pods are larger than HTTP/2's first window of 64 KiB. */
const windowBytes = 16 * 1024 * 1024;
const unimplemented = 12;

export function isUnimplemented(reason: unknown): boolean {
  return reason instanceof GrpcError && reason.code === unimplemented;
}

/**
 * Connects at once, and again when the runtime has been restarted.
 *
 * @param socket Path of the unix socket.
 */
export async function createCriCaller(socket: string): Promise<CriCaller> {
  let session = await openSession(socket);
  return {
    async call(method, request) {
      if (session.closed || session.destroyed) session = await openSession(socket);
      const path = `/${method.parent.typeName}/${method.name}`;
      const body = frame(toBinary(method.input, create(method.input, request)));
      const { message, ms } = await exchange(session, path, body);
      return {
        reply: fromBinary(method.output, message),
        ms,
        replyBytes: message.length,
      };
    },
    close: () => session.destroy(),
  };
}

async function openSession(socket: string): Promise<ClientHttp2Session> {
  const session = connectHttp2("http://localhost", {
    createConnection: () => connectSocket(socket),
    settings: { initialWindowSize: windowBytes },
  });
  await new Promise<void>((resolve, reject) => {
    session.once("error", reject);
    session.once("connect", () => {
      session.off("error", reject);
      session.setLocalWindowSize(windowBytes);
      resolve();
    });
  });
  // Every call under way reports it; without a listener it would end the process.
  session.on("error", () => undefined);
  return session;
}

function exchange(
  session: ClientHttp2Session,
  path: string,
  body: Buffer,
): Promise<{ message: Buffer; ms: number }> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      ":authority": "localhost",
      "content-type": "application/grpc+proto",
      te: "trailers",
      "grpc-timeout": `${deadlineMs}m`,
    });
    const chunks: Buffer[] = [];
    let status: IncomingHttpHeaders = {};
    stream.on("response", (headers) => {
      status = headers;
    });
    stream.on("trailers", (trailers) => {
      status = trailers;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    // The runtime may be gone without a word; then there is no end.
    stream.on("close", () => reject(new Error(`${path}: the connection was lost`)));
    stream.on("end", () => {
      const ms = performance.now() - started;
      const failure = failureOf(stream, status, path);
      if (failure === undefined) resolve({ message: Buffer.concat(chunks).subarray(5), ms });
      else reject(failure);
    });
    stream.end(body);
  });
}

function failureOf(
  stream: ClientHttp2Stream,
  status: IncomingHttpHeaders,
  path: string,
): Error | undefined {
  const code = status["grpc-status"];
  if (code === "0") return undefined;
  if (typeof code !== "string") {
    return new Error(`${path}: the stream ended without a status (HTTP/2 code ${stream.rstCode})`);
  }
  const message = decodeURIComponent(String(status["grpc-message"] ?? ""));
  return new GrpcError(Number(code), `${path}: ${message}`);
}

/** Puts gRPC's prefix before a message: no compression, four bytes of length. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}
