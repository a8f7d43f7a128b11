import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
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

function framesOf(...chunks: Buffer[]): SpdyFrame[] {
  const reader = new SpdyFrameReader();
  const frames: SpdyFrame[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let frame = reader.next(); frame !== null; frame = reader.next()) frames.push(frame);
  }
  return frames;
}

function controlHeader(type: number, length: number, version = 3): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x8000 | version, 0);
  header.writeUInt16BE(type, 2);
  header.writeUIntBE(length, 5, 3);
  return header;
}

const block = Buffer.from("header block");
const everyFrame = [
  encodeSynStream(1, block, true),
  encodeSynReply(1, block),
  encodeRstStream(1, 5),
  encodePing(7),
  encodeGoAway(9, 1),
  Buffer.concat([controlHeader(8, 6), Buffer.from([0, 0, 0, 3]), Buffer.from("hd")]),
  Buffer.concat([controlHeader(4, 12), Buffer.from([0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 9])]),
  Buffer.concat([controlHeader(9, 8), Buffer.alloc(8)]),
  Buffer.concat([encodeDataHeader(3, 4, true), Buffer.from("data")]),
];

const decoded = [
  { type: "syn_stream", streamId: 1, fin: true, unidirectional: false, block },
  { type: "syn_reply", streamId: 1, fin: false, block },
  { type: "rst_stream", streamId: 1, status: 5 },
  { type: "ping", id: 7 },
  { type: "goaway", lastStreamId: 9, status: 1 },
  { type: "headers", streamId: 3, fin: false, block: Buffer.from("hd") },
  { type: "settings" },
  { type: "window_update" },
  { type: "data", streamId: 3, data: Buffer.from("data"), fin: true },
];

/** Joins the parts of data frames, whose cut depends on how the bytes arrived. */
function joined(frames: SpdyFrame[]): unknown[] {
  const result: unknown[] = [];
  for (const frame of frames) {
    const last = result.at(-1) as SpdyFrame | undefined;
    if (frame.type === "data" && last?.type === "data" && last.streamId === frame.streamId) {
      result[result.length - 1] = { ...frame, data: Buffer.concat([last.data, frame.data]) };
    } else {
      result.push(frame);
    }
  }
  return result;
}

describe("SpdyFrameReader", () => {
  test("reads every frame type", () => {
    expect(framesOf(Buffer.concat(everyFrame))).toEqual(decoded);
  });

  test("reads the same frames however the bytes are cut", () => {
    const bytes = Buffer.concat(everyFrame);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length })), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = edges.map((edge, index) => bytes.subarray(edges[index - 1] ?? 0, edge));
        expect(joined(framesOf(...chunks))).toEqual(decoded);
      }),
    );
  });

  test("passes on data as it arrives and puts FIN on the last part only", () => {
    const header = encodeDataHeader(5, 6, true);
    expect(framesOf(header, Buffer.from("abc"), Buffer.from("def"))).toEqual([
      { type: "data", streamId: 5, data: Buffer.from("abc"), fin: false },
      { type: "data", streamId: 5, data: Buffer.from("def"), fin: true },
    ]);
  });

  test("reads an empty data frame with FIN, the usual end of a stream", () => {
    expect(framesOf(encodeDataHeader(5, 0, true))).toEqual([
      { type: "data", streamId: 5, data: Buffer.alloc(0), fin: true },
    ]);
  });

  test.each([
    ["NOOP", controlHeader(5, 0)],
    ["CREDENTIAL", controlHeader(10, 4)],
    ["an unknown type", controlHeader(999, 4)],
    ["another version", controlHeader(6, 4, 2)],
    ["a SYN_STREAM without its fields", controlHeader(1, 9)],
    ["an oversized SYN_STREAM", controlHeader(1, maxControlPayload + 1)],
    ["a SYN_REPLY without an id", controlHeader(2, 3)],
    ["an oversized HEADERS", controlHeader(8, maxControlPayload + 1)],
    ["a short RST_STREAM", controlHeader(3, 7)],
    ["a long GOAWAY", controlHeader(7, 9)],
    ["a long PING", controlHeader(6, 5)],
    ["a short WINDOW_UPDATE", controlHeader(9, 4)],
  ])("refuses %s from its header alone", (_name, header) => {
    expect(() => framesOf(header)).toThrow(expect.objectContaining({ code: "protocol_error" }));
  });

  test("refuses SETTINGS that do not match their count", () => {
    const frame = Buffer.concat([controlHeader(4, 12), Buffer.from([0, 0, 0, 2]), Buffer.alloc(8)]);
    expect(() => framesOf(frame)).toThrow(expect.objectContaining({ code: "protocol_error" }));
  });

  test("either yields frames or a protocol error on random bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), (chunks) => {
        try {
          framesOf(...chunks.map((chunk) => Buffer.from(chunk)));
        } catch (error) {
          expect(error).toMatchObject({ code: "protocol_error" });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
