import type { ClientRequest } from "node:http";
import { finished, Readable } from "node:stream";

/** What an engine that knows nothing of `Expect: 100-continue` is waited for, in milliseconds. */
const continueTimeoutMs = 1_000;

/** Bytes of one write; between two of them the reply is looked for. */
const pieceLength = 256 * 1024;

/**
 * Sends the body of a request that has `Expect: 100-continue`, when the engine wants it.
 *
 * An engine that refuses (no such container, say) answers without reading, and closes. Whoever is
 * still writing then gets EPIPE, upon which Node drops the socket with the reply unread: half of the
 * refusals of large uploads were lost so. With `Expect` the body is not sent before the engine wants
 * it.
 *
 * The source is destroyed when the request ends early; a source that fails destroys the request.
 */
export function sendUpload(request: ClientRequest, source: Readable | Uint8Array): void {
  const body = source instanceof Uint8Array ? Readable.from(piecesOf(source)) : source;
  // Not by `pipeline`: that gives the request up, with the reply, when the body is not wanted.
  const begin = () => {
    stopWaiting();
    body.pipe(request);
  };
  const leave = () => {
    stopWaiting();
    stopWatching();
    body.destroy();
  };
  const stopWaiting = () => {
    clearTimeout(timer);
    request.off("continue", begin);
    request.off("response", leave);
  };
  const timer = setTimeout(begin, continueTimeoutMs);
  request.once("continue", begin);
  request.once("response", leave);
  request.once("close", leave);
  const stopWatching = finished(body, (error) => error && request.destroy(error));
  body.on("error", () => undefined);
  request.flushHeaders();
}

function* piecesOf(bytes: Uint8Array): Generator<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length; at += pieceLength) {
    yield buffer.subarray(at, at + pieceLength);
  }
}
