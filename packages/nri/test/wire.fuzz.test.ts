import { join } from "node:path";
import { duplexPair } from "node:stream";
import { create, toBinary } from "@bufbuild/protobuf";
import { fuzz, until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { RequestSchema, ResponseSchema } from "../src/gen/ttrpc/request_pb.js";
import { Runtime } from "../src/index.js";
import { multiplex } from "../src/mux.js";
import { NriError } from "../src/nri-error.js";
import { createTtrpcClient } from "../src/ttrpc-client.js";
import { createFrameReader, encodeFrame, type TtrpcFrame } from "../src/ttrpc-frames.js";
import { method, serveTtrpc } from "../src/ttrpc-server.js";

const { registerPlugin } = Runtime.method;

function muxed(id: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const request = fc.record({ pluginName: fc.string(), pluginIdx: fc.string() }).map((fields) =>
  toBinary(
    RequestSchema,
    create(RequestSchema, {
      service: Runtime.typeName,
      method: "RegisterPlugin",
      payload: toBinary(registerPlugin.input, create(registerPlugin.input, fields)),
    }),
  ),
);

const response = fc
  .record({ code: fc.nat(16), message: fc.string() })
  .map((status) => toBinary(ResponseSchema, create(ResponseSchema, { status })));

/** What a plugin may send over its socket: calls, replies, and connections that nobody knows. */
const conversation = fc
  .array(
    fc
      .record({
        connection: fc.constantFrom(1, 2, 2, 9),
        stream: fc.constantFrom(1, 2, 3, 5),
        type: fc.constantFrom(1, 1, 2, 3),
        payload: fc.oneof(request, response),
      })
      .map(({ connection, stream, type, payload }) =>
        muxed(connection, encodeFrame(stream, type, payload)),
      ),
    { maxLength: 8 },
  )
  .map((frames) => new Uint8Array(Buffer.concat(frames)));

test("whatever a plugin sends, each call to us has one reply, and ours end typed", () =>
  fuzz({
    corpus: join(import.meta.dirname, "fixtures/fuzz-wire"),
    inputs: conversation,
    words: [Buffer.of(0, 0, 0, 1), Buffer.of(0, 0, 0, 2), Buffer.of(0xff, 0xff, 0xff, 0xff)],
    check: async (input) => {
      const [ours, theirs] = duplexPair();
      const mux = multiplex(ours);
      const replies: TtrpcFrame[] = [];
      const toPlugin = mux.open(1, (piece) => client.receive(piece));
      const client = createTtrpcClient(toPlugin.send);
      void mux.ended.then((reason) => client.fail(reason));
      const readReplies = createFrameReader((frame) => replies.push(frame));
      let asked = 0;
      const countAsked = createFrameReader(() => asked++);
      const serve = serveTtrpc(readReplies, [method(registerPlugin, () => ({}))]);
      mux.open(2, (piece) => {
        countAsked(piece);
        serve(piece);
      });
      theirs.resume();
      const call = client.call(registerPlugin, {}, 600_000).catch((reason: unknown) => reason);
      theirs.end(input);
      await mux.ended;
      const outcome = await call;
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(NriError);
      await until(() => replies.length === asked);
      for (const { type } of replies) expect(type).toBe(2);
    },
  }));
