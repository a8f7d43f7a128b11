import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import {
  type ClientHttp2Stream,
  connect as connectHttp2,
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import {
  createStreamWatch,
  type StreamWatch,
  type StreamWatchOptions,
} from "../src/server/stream-watch.js";

const mib = 1024 * 1024;
const calm = constants.NGHTTP2_ENHANCE_YOUR_CALM;

describe("clients that keep a call from moving", () => {
  let dir: string;
  let path: string;
  let server: Http2Server;
  let watch: StreamWatch;
  let sessions: Set<ServerHttp2Session>;
  const opened: { destroy(): void }[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "watch-"));
    path = join(dir, "s");
    sessions = new Set();
  });
  afterEach(async () => {
    for (const client of opened.splice(0)) client.destroy();
    watch.close();
    await new Promise((resolve) => server.close(resolve));
    rmSync(dir, { recursive: true });
  });

  /** A server that answers `/big` with 8 MiB, `/once` with a byte, and `/quiet` with nothing yet. */
  async function serve(options: Omit<StreamWatchOptions, "log">): Promise<void> {
    watch = createStreamWatch({ ...options, log: pino({ level: "silent" }) });
    server = createServer();
    let arriving: Socket;
    server.prependListener("connection", (socket: Socket) => {
      arriving = socket;
    });
    server.on("session", (session) => {
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      session.on("error", () => session.destroy());
      watch.connection(session, arriving);
    });
    server.on("stream", (stream, headers) => {
      watch.call(stream, headers[":path"]);
      stream.on("error", () => undefined);
      stream.resume();
      stream.respond({ ":status": 200 });
      if (headers[":path"] === "/big") stream.end(Buffer.alloc(8 * mib));
      if (headers[":path"] === "/once") stream.end("x");
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  function client(): (path: string, options?: { endStream: boolean }) => ClientHttp2Stream {
    const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
    session.on("error", () => undefined);
    opened.push(session);
    return (name, options) => {
      const stream = session.request({ ":path": name, ":method": "POST" }, options);
      stream.on("error", () => undefined);
      return stream;
    };
  }

  async function resetCode(stream: ClientHttp2Stream): Promise<number> {
    if (!stream.destroyed) await new Promise((resolve) => stream.once("close", resolve));
    return stream.rstCode;
  }

  test("who reads nothing of a reply is cut off; who waits for one is not", async () => {
    await serve({ patienceMs: 200 });
    const request = client();
    const quiet = request("/quiet", { endStream: true });
    expect(await resetCode(request("/big", { endStream: true }))).toBe(calm);
    const reply = request("/once", { endStream: true });
    expect(String(await once(reply, "data"))).toBe("x");
    expect(quiet.closed).toBe(false);
  });

  test("a request that stays incomplete is cut off", async () => {
    await serve({ patienceMs: 200 });
    const request = client();
    expect(await resetCode(request("/quiet", { endStream: false }))).toBe(calm);
  });

  test("a connection on which nothing is read any more is cut", async () => {
    await serve({ patienceMs: 200 });
    const socket = raw();
    socket.write(greeting({ window: 0x7f_ff_ff_ff }));
    socket.write(postFrame("/big"));
    await until(() => sessions.size === 1);
    await until(() => sessions.size === 0);
  });

  test("a connection that does not begin to speak HTTP/2 is cut", async () => {
    await serve({ patienceMs: 200 });
    const socket = raw().resume();
    await once(socket, "close");
    await until(() => sessions.size === 0);
  });

  test("when too much waits, one who waits is cut off", async () => {
    await serve({ patienceMs: 600_000, unreadBytes: 20 * mib });
    // One connection alone is bounded by Node.
    const readers = [client(), client(), client()].map((request) =>
      request("/big", { endStream: true }),
    );
    await Promise.all(readers.map((reader) => once(reader, "response")));
    const quiet = client()("/quiet", { endStream: true });
    await Promise.race(readers.map((reader) => resetCode(reader)));
    expect(readers.filter((reader) => reader.closed).map(({ rstCode }) => rstCode)).toEqual([calm]);
    expect(quiet.closed).toBe(false);
  });

  function raw(): Socket {
    const socket = connect(path);
    socket.on("error", () => undefined);
    opened.push(socket);
    socket.pause();
    return socket;
  }
});

/** An HTTP/2 client's first bytes, with windows that let the server send all. */
function greeting({ window }: { readonly window: number }): Buffer {
  const initialWindow = Buffer.alloc(6);
  initialWindow.writeUInt16BE(constants.NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE ?? 4, 0);
  initialWindow.writeUInt32BE(window, 2);
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(window - 65_535, 0);
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(4, 0, 0, initialWindow),
    frame(8, 0, 0, increment),
  ]);
}

/** A POST without a body: pseudo-headers as literals with the names of HPACK's static table. */
function postFrame(path: string): Buffer {
  const text = Buffer.from(path);
  const block = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04, text.length]),
    text,
    Buffer.from([0x01, 9]),
    Buffer.from("localhost"),
  ]);
  const endOfStreamAndHeaders = 0x5;
  return frame(1, endOfStreamAndHeaders, 1, block);
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}
