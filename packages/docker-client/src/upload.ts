import { ClientRequest } from "node:http";
import { PassThrough, pipeline, Readable } from "node:stream";

/** What an engine that knows nothing of `Expect: 100-continue` is waited for, in milliseconds. */
const continueTimeoutMs = 1_000;

/** Bytes of one write; between two of them the reply is looked for. */
const pieceLength = 256 * 1024;

/** Headers that go with an upload. */
export const uploadHeaders: Readonly<Record<string, string>> = { Expect: "100-continue" };

/**
 * The body of an upload, which waits for the engine's `100 Continue`.
 *
 * An engine that refuses (no such container, say) answers without reading, and closes. Whoever is
 * still writing then gets EPIPE, upon which Node drops the socket with the reply unread: half of the
 * refusals of large uploads were lost so. With `Expect` the body is not sent before the engine wants
 * it. docker-modem has no way to wait; but it hands the body over by `pipe`, and there we can.
 *
 * The source is destroyed when the request ends early.
 */
export function createUpload(source: Readable | Uint8Array): Readable {
  const readable = source instanceof Uint8Array ? Readable.from(piecesOf(source)) : source;
  const upload = new GatedUpload();
  pipeline(readable, upload, () => undefined);
  return upload;
}

class GatedUpload extends PassThrough {
  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    if (!(destination instanceof ClientRequest)) {
      return super.pipe(destination);
    }
    const begin = () => {
      stopWaiting();
      super.pipe(destination);
    };
    const timer = setTimeout(begin, continueTimeoutMs);
    const stopWaiting = () => {
      clearTimeout(timer);
      destination.off("continue", begin);
    };
    destination.once("continue", begin);
    destination.once("response", stopWaiting);
    destination.once("close", () => {
      stopWaiting();
      this.destroy();
    });
    destination.flushHeaders();
    return destination;
  }
}

function* piecesOf(bytes: Uint8Array): Generator<Buffer> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < buffer.length; at += pieceLength) {
    yield buffer.subarray(at, at + pieceLength);
  }
}
