import type { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { StreamingServer } from "../src/index.js";
import {
  aborted,
  execRequest,
  idle,
  readAll,
  required,
  startServer,
  writeAll,
} from "./fake-runtime.js";
import { dialSpdy, openTerminal } from "./spdy-client.js";
import { dialWebSocket } from "./websocket-client.js";

const total = 96 * 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, 7);
/** The kernel's socket buffers (10 MB and more on loopback) and ours. */
const inFlightLimit = 32 * 1024 * 1024;

let server: StreamingServer;
afterEach(() => server.close());

/** How far a writer got ahead of a reader, at most. */
class Gauge {
  written = 0;
  read = 0;
  most = 0;
  mostBuffered = 0;

  wrote(bytes: number): void {
    this.written += bytes;
    this.most = Math.max(this.most, this.written - this.read);
    this.mostBuffered = Math.max(this.mostBuffered, server.stats().bufferedBytes);
  }
}

/** Reads with a pause of several turns of the event loop after each chunk. */
async function readSlowly(stream: Readable, gauge: Gauge, until: number): Promise<void> {
  for await (const data of stream) {
    gauge.read += data.length;
    if (gauge.read >= until) return;
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  }
}

/** A command that writes as fast as it may. */
function flood(gauge: Gauge) {
  return {
    async exec({ stdout }: { stdout: Parameters<typeof writeAll>[0] }) {
      while (gauge.written < total) {
        gauge.wrote(chunk.length);
        await writeAll(stdout, chunk);
      }
      return { exitCode: 0 };
    },
  };
}

describe("a slow reader", () => {
  test("holds up the command's output over SPDY", async () => {
    const gauge = new Gauge();
    server = await startServer(flood(gauge));
    const client = await dialSpdy(server.execUrl(execRequest));
    const { stdout } = await openTerminal(client, ["stdout", "stderr"]);
    await readSlowly(stdout, gauge, total);
    expect(gauge.read).toBe(total);
    expect(gauge.most).toBeLessThan(inFlightLimit);
    await client.closed;
    await idle(server);
  });

  test("holds up the command's output over WebSocket", async () => {
    const gauge = new Gauge();
    server = await startServer(flood(gauge));
    const client = await dialWebSocket(server.execUrl(execRequest), "v5.channel.k8s.io");
    client.socket.removeAllListeners("message");
    gauge.read += client.text(1).length;
    client.socket.on("message", (message: Buffer) => {
      if (message.readUInt8(0) === 1) gauge.read += message.length - 1;
      client.socket.pause();
      setImmediate(() => client.socket.resume());
    });
    await client.closed;
    expect(gauge.read).toBe(total);
    expect(gauge.most).toBeLessThan(inFlightLimit);
    await idle(server);
  });
});

describe("a command that reads slowly", () => {
  test("holds up the client's input over SPDY", async () => {
    const gauge = new Gauge();
    server = await startServer({
      async exec({ stdin }) {
        await readSlowly(required(stdin), gauge, total);
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdin, error } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    while (gauge.written < total) {
      gauge.wrote(chunk.length);
      await writeAll(stdin, chunk);
    }
    await readAll(error);
    expect(gauge.read).toBe(total);
    expect(gauge.most).toBeLessThan(inFlightLimit);
    expect(gauge.mostBuffered).toBeLessThan(512 * 1024);
    await client.closed;
    await idle(server);
  });

  test("holds up the client's input over WebSocket", async () => {
    const gauge = new Gauge();
    server = await startServer({
      async exec({ stdin }) {
        await readSlowly(required(stdin), gauge, total);
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    const message = Buffer.concat([Buffer.from([0]), chunk]);
    while (gauge.written < total) {
      gauge.wrote(chunk.length);
      await new Promise((resolve) => client.socket.send(message, resolve));
    }
    await client.closed;
    expect(gauge.read).toBe(total);
    expect(gauge.most).toBeLessThan(inFlightLimit);
    expect(gauge.mostBuffered).toBeLessThan(512 * 1024);
    await idle(server);
  });
});

describe("a command that reads nothing", () => {
  const gone = { code: "client_gone" };

  /** A server whose command leaves its input alone, and what it is told about its client. */
  async function startIgnorant(): Promise<{ url: string; told: Promise<unknown> }> {
    const told = Promise.withResolvers<unknown>();
    server = await startServer({
      async exec({ signal }) {
        told.resolve(await aborted(signal));
        return { exitCode: 0 };
      },
    });
    return { url: server.execUrl({ ...execRequest, stdin: true }), told: told.promise };
  }

  /** Until the server reads no more and the kernel takes no more. */
  async function fill(send: (data: Buffer) => void, waiting: () => number): Promise<void> {
    let before = -1;
    while (waiting() === 0 || waiting() !== before) {
      before = waiting();
      send(chunk);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  test("is aborted when a client vanishes over SPDY, full as the connection is", async () => {
    const { url, told } = await startIgnorant();
    const client = await dialSpdy(url);
    const { stdin } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    await fill(
      (data) => stdin.writableNeedDrain || stdin.write(data),
      () => stdin.writableLength,
    );
    client.socket.destroy();
    expect(await told).toMatchObject(gone);
    await idle(server);
  }, 30_000);

  test("is aborted when a client vanishes over WebSocket, full as the connection is", async () => {
    const { url, told } = await startIgnorant();
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    await fill(
      (data) => client.socket.bufferedAmount > 0 || client.send(0, data),
      () => client.socket.bufferedAmount,
    );
    client.socket.terminate();
    expect(await told).toMatchObject(gone);
    await idle(server);
  }, 30_000);
});
