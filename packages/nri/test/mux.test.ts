import { duplexPair } from "node:stream";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { multiplex } from "../src/mux.js";
import { NriError } from "../src/nri-error.js";

/** A mux on one end of a pair, and what the other end has got. */
function muxWithPeer() {
  const [ours, theirs] = duplexPair();
  const got: Buffer[] = [];
  theirs.on("data", (chunk: Buffer) => got.push(chunk));
  return { mux: multiplex(ours), peer: theirs, sent: () => Buffer.concat(got) };
}

function frame(id: number, payload: Uint8Array, length = payload.length): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(length, 4);
  return Buffer.concat([header, payload]);
}

test("a small message goes out as one frame of its connection", async () => {
  const { mux, sent } = muxWithPeer();
  mux.open(2, () => {}).send(Buffer.from("hello"));
  await until(() => sent().length > 0);
  expect(sent()).toEqual(frame(2, Buffer.from("hello")));
});

// Upstream's reader would end the connection of a first frame that is larger.
test.each([4096, 4097, 8192, 100_000])(
  "a message of %d bytes has a first frame of 4,096 at most",
  async (size) => {
    const { mux, sent } = muxWithPeer();
    const message = Buffer.alloc(size, "x");
    mux.open(1, () => {}).send(message);
    const frames = size > 4096 ? 2 : 1;
    await until(() => sent().length >= size + frames * 8);
    expect(sent()).toEqual(
      Buffer.concat([
        frame(1, message.subarray(0, 4096)),
        ...(size > 4096 ? [frame(1, message.subarray(4096))] : []),
      ]),
    );
  },
);

test("what comes goes to its connection, in order, however it is cut; the rest is dropped", async () => {
  const { mux, peer } = muxWithPeer();
  const got: Record<number, string> = { 1: "", 2: "" };
  for (const id of [1, 2]) mux.open(id, (piece) => (got[id] += Buffer.from(piece).toString()));
  const bytes = Buffer.concat([
    frame(1, Buffer.from("one ")),
    frame(7, Buffer.from("nobody's")),
    frame(2, Buffer.from("two")),
    frame(2, Buffer.alloc(0)),
    frame(1, Buffer.from("more")),
  ]);
  for (const byte of bytes) peer.write(Buffer.of(byte));
  await until(() => got[1] === "one more");
  expect(got).toEqual({ 1: "one more", 2: "two" });
});

test("a frame that is longer than any message ends the socket", async () => {
  const { mux, peer } = muxWithPeer();
  peer.write(frame(1, Buffer.from("x"), (4 << 20) + 11));
  const reason = await mux.ended;
  expect(reason).toBeInstanceOf(NriError);
  expect(reason.code).toBe("protocol_error");
});

test("a peer that does not read is given up once 8 MiB wait for it", async () => {
  const [ours] = duplexPair();
  const mux = multiplex(ours);
  const connection = mux.open(1, () => {});
  for (let sent = 0; sent < 9; sent++) connection.send(Buffer.alloc(1 << 20));
  expect((await mux.ended).message).toMatch(/left \d+ bytes unread/);
});

test("the peer's end is told, and sending after it does nothing", async () => {
  const { mux, peer } = muxWithPeer();
  const connection = mux.open(1, () => {});
  peer.end();
  expect((await mux.ended).code).toBe("closed");
  connection.send(Buffer.from("late"));
});

test("ending it lets what was sent arrive", async () => {
  const { mux, sent } = muxWithPeer();
  mux.open(1, () => {}).send(Buffer.alloc(300_000, "y"));
  mux.end(new NriError("closed", "done"));
  await until(() => sent().length === 300_016);
});
