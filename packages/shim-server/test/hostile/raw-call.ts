import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";

/** What became of a call. */
export interface Outcome {
  /** gRPC's status; undefined when the stream ended without one. */
  readonly code: number | undefined;
  readonly message: string;
  /** Messages with their prefixes, as far as they came. */
  readonly body: Buffer;
}

/** How long a call may take, in ms; the tests have no patience for more than what hangs. */
const deadlineMs = 60_000 * Number(process.env.TEST_PATIENCE || 1);

/** A client that sends any bytes as the message of a call. */
export interface RawClient {
  readonly session: ClientHttp2Session;
  /** Calls `/service/method`; a stream of replies is read to its end. */
  call(path: string, message: Uint8Array): Promise<Outcome>;
  close(): void;
}

export function createRawClient(socket: string): RawClient {
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socket) });
  session.on("error", () => undefined);
  return {
    session,
    async call(path, message) {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status: { readonly [name: string]: string | string[] | undefined } = {};
      stream.on("response", (headers) => {
        status = { ...status, ...headers };
      });
      stream.on("trailers", (trailers) => {
        status = { ...status, ...trailers };
      });
      stream.on("error", () => undefined);
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      const closed = new Promise((resolve) => stream.once("close", resolve));
      stream.end(Buffer.concat([prefix, message]));
      const late = setTimeout(() => stream.close(), deadlineMs);
      await closed;
      clearTimeout(late);
      const code = status["grpc-status"];
      return {
        code: code === undefined ? undefined : Number(code),
        message: decodeURIComponent(String(status["grpc-message"] ?? "")),
        body: Buffer.concat(chunks),
      };
    },
    close: () => session.destroy(),
  };
}
