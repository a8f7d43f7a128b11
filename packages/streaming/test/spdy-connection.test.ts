import { once } from "node:events";
import { Duplex } from "node:stream";
import { afterEach, describe, expect, test } from "@jest/globals";
import { StreamingError } from "../src/errors.js";
import { SpdyConnection, type SpdyConnectionOptions } from "../src/spdy-connection.js";
import { encodeDataHeader, encodePing, encodeSynStream } from "../src/spdy-frame.js";
import { encodeHeaderBlock, HeaderCompressor } from "../src/spdy-headers.js";
import type { SpdyStream } from "../src/spdy-stream.js";

/** A socket whose writes are held until the test lets them go. */
class HeldSocket extends Duplex {
  readonly written: Buffer[] = [];
  readonly #held: (() => void)[] = [];
  #open = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.written.push(chunk);
    if (this.#open) callback();
    else this.#held.push(callback);
  }

  release(): void {
    this.#open = true;
    for (const callback of this.#held.splice(0)) callback();
  }

  /** Bytes the connection handed over, whether in the socket's buffer or beyond. */
  get heldBytes(): number {
    return this.writableLength;
  }
}

const connections: SpdyConnection[] = [];
afterEach(() => {
  for (const connection of connections.splice(0)) {
    connection.destroy(new StreamingError("server_closed", "the test is over"));
  }
});

function connectionOver(
  socket: Duplex,
  options: Partial<SpdyConnectionOptions> = {},
): SpdyConnection {
  const connection = new SpdyConnection(socket, {
    role: "server",
    idleTimeoutMs: 0,
    maxStreams: 10_000,
    receiveBufferBytes: 100_000,
    ...options,
  });
  connections.push(connection);
  return connection;
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

/** Gives a connection its peer's first stream. */
async function firstStream(
  socket: HeldSocket,
  options: Partial<SpdyConnectionOptions> = {},
): Promise<{ stream: SpdyStream; connection: SpdyConnection }> {
  const { promise, resolve } = Promise.withResolvers<SpdyStream>();
  const connection = connectionOver(socket, { ...options, onStream: resolve });
  socket.push(encodeSynStream(1, new HeaderCompressor().compress(encodeHeaderBlock({}))));
  return { stream: await promise, connection };
}

function dataFrame(streamId: number, data: Buffer): Buffer {
  return Buffer.concat([encodeDataHeader(streamId, data.length, false), data]);
}

describe("SpdyConnection", () => {
  test("stops reading a peer that does not read its echoes, and goes on when it does", async () => {
    const socket = new HeldSocket();
    connectionOver(socket);
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => encodePing(1)));
    for (let round = 0; round < 200; round++) {
      socket.push(flood);
      await turns(1);
    }
    expect(socket.isPaused()).toBe(true);
    expect(socket.heldBytes).toBeLessThan(100_000);
    socket.release();
    while (Buffer.concat(socket.written).length < 200 * flood.length) await turns(1);
    expect(socket.isPaused()).toBe(false);
    expect(Buffer.concat(socket.written).length).toBe(200 * flood.length);
  });

  test("stops reading while a stream is not read, and goes on when it is", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { stream, connection } = await firstStream(socket);
    const chunk = Buffer.alloc(10_000, 1);
    for (let round = 0; round < 100; round++) {
      socket.push(dataFrame(1, chunk));
      await turns(1);
    }
    expect(socket.isPaused()).toBe(true);
    expect(connection.receiveBudget.bytes).toBeGreaterThan(100_000);
    expect(connection.receiveBudget.bytes).toBeLessThan(130_000);
    let length = 0;
    stream.on("data", (data: Buffer) => {
      length += data.length;
    });
    while (length < 100 * chunk.length) await turns(1);
    expect(socket.isPaused()).toBe(false);
    expect(connection.receiveBudget.bytes).toBe(0);
  });

  test("counts tiny frames for what they cost, not for what they carry", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { connection } = await firstStream(socket);
    const tiny = Buffer.concat(Array.from({ length: 1000 }, () => dataFrame(1, Buffer.from("x"))));
    for (let round = 0; round < 100; round++) {
      socket.push(tiny);
      await turns(1);
    }
    expect(socket.isPaused()).toBe(true);
    expect(connection.receiveBudget.bytes).toBeLessThan(600_000);
  });

  test("goes on reading when a stream nobody reads is destroyed", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { stream, connection } = await firstStream(socket);
    for (let round = 0; round < 20; round++) {
      socket.push(dataFrame(1, Buffer.alloc(10_000)));
      await turns(1);
    }
    expect(socket.isPaused()).toBe(true);
    stream.destroy();
    expect(connection.receiveBudget.bytes).toBe(0);
    socket.push(encodePing(5));
    while (!Buffer.concat(socket.written).toString("hex").includes("800300060000000400000005")) {
      await turns(1);
    }
  });

  test("takes no more output than its socket does", async () => {
    const socket = new HeldSocket();
    const { stream } = await firstStream(socket);
    const chunk = Buffer.alloc(16_384);
    let accepted = 0;
    for (let round = 0; round < 1000; round++) {
      if (!stream.write(chunk)) break;
      accepted += chunk.length;
      await turns(1);
    }
    expect(accepted).toBeLessThan(200_000);
    expect(stream.writableNeedDrain).toBe(true);
    const drained = once(stream, "drain");
    socket.release();
    await drained;
  });

  test("ends its streams well when closed in order", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { stream, connection } = await firstStream(socket);
    const closed = once(stream, "close");
    connection.close();
    await closed;
    expect(stream.errored).toBeNull();
    const frames = Buffer.concat(socket.written).toString("hex");
    expect(frames.endsWith("000000010100000080030007000000080000000100000000")).toBe(true);
  });

  test("sends nothing after its GOAWAY", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { stream, connection } = await firstStream(socket);
    connection.close(new StreamingError("timeout", "too late"));
    const before = socket.written.length;
    stream.write("more");
    stream.destroy();
    socket.push(encodePing(1));
    connection.ping();
    await turns(3);
    expect(socket.written.length).toBe(before);
    expect(stream.errored).toMatchObject({ code: "timeout" });
  });

  test("probes a connection that it cannot read, without calling it alive", async () => {
    const socket = new HeldSocket();
    socket.release();
    const { connection } = await firstStream(socket);
    connection.ping();
    connection.ping();
    await turns(1);
    const pings = Buffer.concat(socket.written).toString("hex").slice(-48);
    expect(pings).toBe("800300060000000400000002800300060000000400000004");
  });
});
