import { join } from "node:path";
import { duplexPair } from "node:stream";
import { fuzz } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { StreamingError } from "../src/errors.js";
import { SpdyConnection } from "../src/spdy-connection.js";
import {
  encodeDataHeader,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeSynStream,
  maxControlPayload,
  type SpdyFrame,
} from "../src/spdy-frame.js";
import { SpdyFrameReader } from "../src/spdy-frame-reader.js";
import { encodeHeaderBlock, HeaderCompressor } from "../src/spdy-headers.js";

const id = fc.oneof(fc.nat(9), fc.nat(0x7fff_ffff));

/** What a client may send, before its header blocks are compressed one after the other. */
const clientFrame = fc.oneof(
  fc.record({
    type: fc.constantFrom("syn" as const, "reply" as const),
    id,
    headers: fc.dictionary(
      fc.constantFrom("streamtype", "port", "requestid"),
      fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 9 }),
    ),
    fin: fc.boolean(),
  }),
  fc.record({
    type: fc.constant("data" as const),
    id,
    data: fc.uint8Array({ maxLength: 80 }),
    fin: fc.boolean(),
  }),
  fc.record({ type: fc.constantFrom("ping" as const, "reset" as const, "goaway" as const), id }),
);

const conversation = fc.array(clientFrame, { maxLength: 12 }).map((frames) => {
  const compressor = new HeaderCompressor();
  return Buffer.concat(
    frames.flatMap((frame) => {
      switch (frame.type) {
        case "syn":
        case "reply": {
          const block = compressor.compress(encodeHeaderBlock(frame.headers));
          return frame.type === "syn"
            ? [encodeSynStream(frame.id, block, frame.fin)]
            : [encodeSynReply(frame.id, block)];
        }
        case "data":
          return [encodeDataHeader(frame.id, frame.data.length, frame.fin), frame.data];
        case "ping":
          return [encodePing(frame.id)];
        case "reset":
          return [encodeRstStream(frame.id, 5)];
        default:
          return [encodeGoAway(frame.id, 0)];
      }
    }),
  );
});

const words = [
  ...["80030001", "80030002", "80030003", "80030004", "80030006", "80030008", "80030009"],
  ...["00000001", "ffffff", "01ffffff", "80020001", "78f9e3c6a7c2"],
].map((hex) => Buffer.from(hex, "hex"));
const corpus = join(import.meta.dirname, "corpus/spdy");

/** Bytes in pieces whose lengths follow from them. */
function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + ((bytes[at] ?? 0) % 61);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

/** The frames in some bytes as text, in which it does not show where data was cut, and what they hold. */
function framesOf(pieces: Iterable<Buffer>): { text: string; refused: boolean; held: number } {
  const reader = new SpdyFrameReader();
  let text = "";
  let held = 0;
  let open: number | undefined;
  const add = (frame: SpdyFrame): void => {
    if (frame.type === "data") {
      held += frame.data.length;
      text += `${open === frame.streamId ? "" : `\n${frame.streamId} `}${frame.data.toString("hex")}`;
      if (frame.fin) text += " end";
      open = frame.fin ? undefined : frame.streamId;
      return;
    }
    open = undefined;
    const payload = "block" in frame ? frame.block : Buffer.alloc(0);
    held += payload.length;
    if (payload.length > maxControlPayload) {
      throw new RangeError(`${payload.length} bytes are held`);
    }
    text += `\n${JSON.stringify({ ...frame, block: payload.toString("hex") })}`;
  };
  try {
    for (const piece of pieces) {
      reader.push(piece);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) add(frame);
    }
  } catch (error) {
    expect(error).toMatchObject({ code: "protocol_error" });
    return { text, refused: true, held };
  }
  return { text, refused: false, held };
}

test("SPDY frames are the same however their bytes arrive, and hold no more than was sent", async () => {
  await fuzz({
    corpus,
    inputs: conversation,
    words,
    runs: 500,
    check(bytes) {
      const whole = framesOf([bytes]);
      expect(framesOf(piecesOf(bytes))).toEqual(whole);
      expect(whole.held).toBeLessThanOrEqual(bytes.length);
    },
  });
});

/** What a server's end of a connection made of some bytes. */
async function served(pieces: Iterable<Buffer>): Promise<unknown> {
  const [client, server] = duplexPair();
  const opened: unknown[] = [];
  const closings: Promise<unknown>[] = [];
  const closed = Promise.withResolvers<void>();
  let end: string | undefined;
  const connection = new SpdyConnection(server, {
    role: "server",
    idleTimeoutMs: 0,
    maxStreams: 8,
    receiveBufferBytes: 64 * 1024,
    onStream(stream) {
      opened.push([stream.id, [...stream.headers]]);
      closings.push(new Promise((resolve) => stream.once("close", resolve)));
      stream.resume();
    },
    onEnd(reason) {
      expect(reason === null || reason instanceof StreamingError).toBe(true);
      end = reason?.code;
    },
    onClosed: closed.resolve,
  });
  client.on("error", () => undefined);
  client.resume();
  for (const piece of pieces) client.write(piece);
  client.end();
  await closed.promise;
  await Promise.all(closings);
  expect(connection.streamCount).toBe(0);
  expect(["client_gone", "protocol_error"]).toContain(end);
  return { opened, end };
}

test("a SPDY connection ends with its socket, and so does each of its streams", async () => {
  await fuzz({
    corpus,
    inputs: conversation,
    words,
    async check(bytes) {
      expect(await served(piecesOf(bytes))).toEqual(await served([bytes]));
    },
  });
});
