import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants, createDeflate } from "node:zlib";
import { until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { StreamingServer } from "../src/index.js";
import { spdyDictionary } from "../src/spdy-dictionary.js";
import {
  encodeDataHeader,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeSynStream,
} from "../src/spdy-frame.js";
import { encodeHeaderBlock, HeaderCompressor } from "../src/spdy-headers.js";
import { execRequest, idle, readSome, required, startServer, writeAll } from "./fake-runtime.js";
import { dialRaw, dialSpdy, openTerminal, type SpdyClient } from "./spdy-client.js";
import { dialWebSocket } from "./websocket-client.js";

/** Everything here runs beside one well-behaved session, which has to go on to the end. */
let server: StreamingServer;
let witness: SpdyClient;
let witnessStreams: Awaited<ReturnType<typeof openTerminal<"stdin" | "stdout">>>;
const sockets = new Set<Socket>();

beforeAll(async () => {
  server = await startServer({
    async exec({ stdin, stdout }) {
      for await (const chunk of required(stdin)) await writeAll(stdout, chunk);
      return { exitCode: 0 };
    },
    async portForward({ stream }) {
      for await (const chunk of stream) await writeAll(stream, chunk);
    },
  });
  witness = await dialSpdy(server.execUrl({ ...execRequest, stdin: true, stderr: false }));
  witnessStreams = await openTerminal(witness, ["stdin", "stdout"]);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  const { stdin, stdout } = witnessStreams;
  stdin.write("still well");
  expect((await readSome(stdout, 10)).toString()).toBe("still well");
  await onlyWitness();
});

afterAll(async () => {
  witnessStreams.stdin.end();
  await witness.closed;
  await idle(server);
  await server.close();
});

/** Waits until the witness is the only session. */
async function onlyWitness(): Promise<void> {
  await until(() => server.stats().connections <= 1 && server.stats().sessions <= 1);
  expect(server.stats()).toMatchObject({ streams: 3, forwards: 0, bufferedBytes: 0 });
}

async function rawExec(): Promise<Socket> {
  const url = server.execUrl({ ...execRequest, stdin: true, stderr: false });
  return keep(await dialRaw(url, ["v4.channel.k8s.io"]));
}

async function rawPortForward(): Promise<Socket> {
  const url = server.portForwardUrl({ podSandboxId: "p1", ports: [] });
  return keep(await dialRaw(url, ["portforward.k8s.io"]));
}

function keep(socket: Socket): Socket {
  socket.on("error", () => {});
  sockets.add(socket);
  return socket;
}

/** Reads to the end of the connection and returns what the server said. */
async function lastWords(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "end");
  socket.destroy();
  return Buffer.concat(chunks);
}

const goAwayProtocolError = encodeGoAway(0, 1).subarray(0, 8).toString("hex");

function controlHeader(type: number, length: number, flags = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(0x8003, 0);
  header.writeUInt16BE(type, 2);
  header.writeUInt8(flags, 4);
  header.writeUIntBE(length, 5, 3);
  return header;
}

/** The frames of a client that behaves, for truncation and shuffling. */
function goodFrames(): Buffer[] {
  const compressor = new HeaderCompressor();
  const syn = (id: number, headers: Record<string, string>): Buffer =>
    encodeSynStream(id, compressor.compress(encodeHeaderBlock(headers)));
  return [
    syn(1, { streamtype: "error", port: "80", requestid: "0" }),
    syn(3, { streamtype: "data", port: "80", requestid: "0" }),
    Buffer.concat([encodeDataHeader(3, 5, false), Buffer.from("hello")]),
    encodeSynReply(3, compressor.compress(encodeHeaderBlock({}))),
    Buffer.concat([
      controlHeader(8, 15),
      Buffer.from([0, 0, 0, 3]),
      compressor.compress(encodeHeaderBlock({ a: "b" })).subarray(0, 11),
    ]),
    Buffer.concat([controlHeader(4, 12), Buffer.from([0, 0, 0, 1]), Buffer.alloc(8)]),
    Buffer.concat([controlHeader(9, 8), Buffer.alloc(8)]),
    encodePing(1),
    encodeDataHeader(3, 0, true),
    encodeRstStream(1, 5),
    encodeGoAway(0, 0),
  ];
}

describe("a SPDY connection with", () => {
  test.each([
    ["an unknown frame type", controlHeader(99, 4)],
    ["another SPDY version", Buffer.from("80020001000000ff", "hex")],
    ["an oversized SYN_STREAM", controlHeader(1, 0xff_ffff)],
    ["an undersized SYN_STREAM", controlHeader(1, 2)],
    ["an oversized PING", controlHeader(6, 0xff_ffff)],
    ["an oversized SETTINGS", controlHeader(4, 0xff_ffff)],
    ["an HTTP request", Buffer.from("\x80GET / HTTP/1.1\r\nHost: x\r\n\r\n", "latin1")],
    ["headers that are not zlib", encodeSynStream(1, Buffer.from("not zlib at all"))],
    ["an empty header block", encodeSynStream(1, Buffer.alloc(0))],
    [
      "headers that contradict themselves",
      encodeSynStream(1, new HeaderCompressor().compress(Buffer.alloc(4, 0xff))),
    ],
  ])("%s is ended with GOAWAY", async (_name, bytes) => {
    const socket = await rawExec();
    const said = lastWords(socket);
    socket.write(bytes);
    expect((await said).toString("hex")).toContain(goAwayProtocolError);
  });

  test("a header bomb is ended before it inflates", async () => {
    const deflate = createDeflate({ dictionary: spdyDictionary, level: 9 });
    const bomb = await new Promise<Buffer>((resolve) => {
      deflate.write(Buffer.alloc(60 * 1024 * 1024));
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(deflate.read()));
    });
    deflate.destroy();
    expect(bomb.length).toBeLessThan(65_000);
    const before = process.memoryUsage().rss;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await rawExec();
        const said = lastWords(socket);
        socket.write(encodeSynStream(1, bomb));
        expect((await said).toString("hex")).toContain(goAwayProtocolError);
      }),
    );
    // Inflated, the bombs would have taken 1.2 GB.
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  });

  test("stream ids that go backwards or are the server's gets resets, and lives on", async () => {
    const socket = await rawExec();
    const compressor = new HeaderCompressor();
    const replies: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => replies.push(chunk));
    for (const id of [5, 5, 3, 2, 0]) {
      const block = compressor.compress(encodeHeaderBlock({ streamtype: "unknown" }));
      socket.write(encodeSynStream(id, block));
    }
    socket.write(encodePing(77));
    const pong = encodePing(77).toString("hex");
    const seen = (): string => Buffer.concat(replies).toString("hex");
    while (!seen().endsWith(pong)) await once(socket, "data");
    for (const id of [5, 3, 2, 0]) expect(seen()).toContain(encodeRstStream(id, 1).toString("hex"));
  });

  test("more streams than allowed gets them refused, and lives on", async () => {
    const socket = await rawExec();
    const compressor = new HeaderCompressor();
    const replies: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => replies.push(chunk));
    for (let id = 1; id <= 99; id += 2) {
      const block = compressor.compress(encodeHeaderBlock({ streamtype: `unknown ${id}` }));
      socket.write(encodeSynStream(id, block));
    }
    const last = encodeRstStream(99, 3).toString("hex");
    while (!Buffer.concat(replies).toString("hex").endsWith(last)) await once(socket, "data");
    expect(server.stats().streams).toBe(3 + 16);
  });

  test("frames for streams that do not exist lives on", async () => {
    const socket = await rawExec();
    socket.write(
      Buffer.concat([
        encodeDataHeader(7, 3, true),
        Buffer.from("abc"),
        encodeRstStream(9, 5),
        encodeRstStream(0, 0),
        encodeGoAway(1, 0),
        encodePing(3),
      ]),
    );
    const [pong] = await once(socket, "data");
    expect((pong as Buffer).equals(encodePing(3))).toBe(true);
  });

  test("every prefix of a good conversation leaves nothing behind", async () => {
    const bytes = Buffer.concat(goodFrames());
    for (let length = 0; length <= bytes.length; length += 3) {
      const socket = await rawPortForward();
      socket.end(bytes.subarray(0, length));
      socket.resume();
      await once(socket, "close");
    }
  });

  test("a good conversation out of order, with frames lost or doubled, is survived", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: goodFrames().length - 1 }), { maxLength: 25 }),
        async (order) => {
          const frames = goodFrames();
          const socket = await rawPortForward();
          socket.end(Buffer.concat(order.map((index) => frames[index] ?? Buffer.alloc(0))));
          socket.resume();
          await once(socket, "close");
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a good conversation with bytes changed is survived", async () => {
    const bytes = Buffer.concat(goodFrames());
    const change = fc.record({
      at: fc.nat({ max: bytes.length - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const { at, to } of changes) changed[at] = to;
        const socket = await rawPortForward();
        socket.end(changed);
        socket.resume();
        await once(socket, "close");
      }),
      { numRuns: 150 },
    );
  });

  test("random bytes is survived", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (bytes) => {
        const socket = await rawPortForward();
        socket.end(bytes);
        socket.resume();
        await once(socket, "close");
      }),
      { numRuns: 100 },
    );
  });
});

describe("a WebSocket with", () => {
  test.each([
    ["a message above the limit", "82ff00000000ffffffff00000000"],
    ["a reserved opcode", "838000000000"],
    ["an unmasked message", "820141"],
    ["a fragment that continues nothing", "808000000000"],
  ])("%s is ended", async (_name, hex) => {
    const url = server.execUrl({ ...execRequest, stdin: true, stderr: false });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    const { _socket } = client.socket as unknown as { _socket: Socket };
    _socket.write(Buffer.from(hex, "hex"));
    expect([1002, 1006, 1009]).toContain((await client.closed).code);
  });

  test("random bytes is survived", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), async (bytes) => {
        const url = server.execUrl({ ...execRequest, stdin: true, stderr: false });
        const client = await dialWebSocket(url, "v5.channel.k8s.io");
        const { _socket } = client.socket as unknown as { _socket: Socket };
        _socket.end(bytes);
        await client.closed;
      }),
      { numRuns: 60 },
    );
  });

  test("random channel messages is survived", async () => {
    const message = fc.uint8Array({ maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (messages) => {
        const url = server.execUrl({ ...execRequest, stdin: true, stderr: false });
        const client = await dialWebSocket(url, "v5.channel.k8s.io");
        for (const bytes of messages) client.socket.send(bytes);
        client.socket.close();
        await client.closed;
      }),
      { numRuns: 60 },
    );
  });
});

test("an HTTP connection with random bytes is survived", async () => {
  const { port } = new URL(server.baseUrl);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 500 }), async (bytes) => {
      const socket = keep(connect(Number(port), "127.0.0.1"));
      socket.end(bytes);
      socket.resume();
      await once(socket, "close");
    }),
    { numRuns: 60 },
  );
});
