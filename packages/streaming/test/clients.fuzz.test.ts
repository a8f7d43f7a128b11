import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { fuzz } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { WebSocket } from "ws";
import type { StreamingServer } from "../src/index.js";
import { webSocketTerminalProtocols } from "../src/stream-protocols.js";
import { execRequest, idle, required, startServer } from "./fake-runtime.js";

const corpus = (name: string): string => join(import.meta.dirname, "corpus", name);

/** What the last session was sent on stdin, and whether that came to its end. */
let stdin: { bytes: Buffer; ended: boolean };
let over = Promise.withResolvers<void>();
let server: StreamingServer;

beforeAll(async () => {
  server = await startServer({
    async exec({ stdin: input }) {
      try {
        for await (const chunk of required(input)) {
          stdin.bytes = Buffer.concat([stdin.bytes, chunk]);
        }
        stdin.ended = true;
      } catch {
        // The client went, or broke the protocol.
      }
      over.resolve();
      return { exitCode: 0 };
    },
  });
});
afterAll(() => server.close());

function execUrl(): URL {
  return new URL(server.execUrl({ ...execRequest, stdin: true, stderr: false }));
}

/** A message is its length in a byte, whether it is text in the next, and its bytes. */
function* messagesOf(bytes: Buffer): Generator<{ data: Buffer; text: boolean }> {
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0;
    const text = ((bytes[at + 1] ?? 0) & 1) === 1;
    const data = bytes.subarray(at + 2, at + 2 + length);
    // What is no UTF-8 could not be sent as text at all.
    yield text ? { data: Buffer.from(data.toString()), text } : { data, text };
    at += 2 + length;
  }
}

const base64 = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What Kubernetes' channels say that stdin is, for these messages. */
function stdinOf(bytes: Buffer, protocol: string): typeof stdin & { refused: boolean } {
  const { encoding, halfClose } = required(webSocketTerminalProtocols.get(protocol));
  let all = Buffer.alloc(0);
  for (const { data } of messagesOf(bytes)) {
    const [first] = data;
    if (first === undefined) continue;
    if (halfClose && first === 255) {
      if (data.length !== 2 || (data[1] as number) > 4) {
        return { bytes: all, ended: false, refused: true };
      }
      if (data[1] === 0) return { bytes: all, ended: true, refused: false };
      continue;
    }
    const text = data.subarray(1).toString("latin1");
    const body = encoding === "binary" ? data.subarray(1) : Buffer.from(text, "base64");
    if (encoding === "base64" && !base64.test(text)) {
      return { bytes: all, ended: false, refused: true };
    }
    const channel = encoding === "binary" ? first : first - 0x30;
    if (channel === 0) all = Buffer.concat([all, body]);
  }
  return { bytes: all, ended: false, refused: false };
}

const message = fc
  .tuple(
    fc.constantFrom(0, 0, 0, 1, 2, 3, 4, 5, 255, 0x30, 0x34),
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .uint8Array({ maxLength: 30 })
        .map((data) => Buffer.from(Buffer.from(data).toString("base64"))),
    ),
    fc.boolean(),
  )
  .map(([channel, data, text]) => Buffer.from([data.length + 1, text ? 1 : 0, channel, ...data]));

test.each(["channel.k8s.io", "v4.base64.channel.k8s.io", "v5.channel.k8s.io"])(
  "of the messages of %s stdin gets its own, up to the one that breaks the protocol",
  async (protocol) => {
    await fuzz({
      corpus: corpus("websocket"),
      inputs: fc.array(message, { maxLength: 8 }).map((all) => Buffer.concat(all)),
      words: [Buffer.from([2, 0, 255, 0]), Buffer.from([1, 0, 255]), Buffer.from([5, 1, 0x30])],
      runs: 60,
      async check(input) {
        const bytes = input.subarray(0, 4096);
        stdin = { bytes: Buffer.alloc(0), ended: false };
        over = Promise.withResolvers();
        const { href } = execUrl();
        const socket = new WebSocket(href.replace("http", "ws"), [protocol]);
        socket.on("error", () => undefined);
        const closed = new Promise((resolve) => socket.once("close", resolve));
        await once(socket, "open");
        for (const { data, text } of messagesOf(bytes)) socket.send(data, { binary: !text });
        const expected = stdinOf(bytes, protocol);
        if (!expected.refused && !expected.ended) socket.close();
        const code = await closed;
        await over.promise;
        // Whether what came with a connection's end was still read depends on who was first.
        expect(expected.bytes.subarray(0, stdin.bytes.length)).toEqual(stdin.bytes);
        expect(stdin.ended).toBe(expected.ended);
        if (expected.ended) expect(stdin.bytes).toEqual(expected.bytes);
        if (expected.refused) expect(code).toBe(1002);
        await idle(server);
      },
    });
  },
);

const header = fc.tuple(
  fc.constantFrom(
    ...["Host", "Connection", "Upgrade", "X-Stream-Protocol-Version", "Sec-WebSocket-Key"],
    ...["Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Content-Length", "Transfer-Encoding"],
  ),
  fc.constantFrom(
    ...["localhost", "Upgrade", "SPDY/3.1", "websocket", "v4.channel.k8s.io", "13", "0", "5"],
    ...["dGhlIHNhbXBsZSBub25jZQ==", "chunked", "v5.channel.k8s.io, a/b", "", "\u00ff"],
  ),
);

/** What clients send that mean it. */
const upgrades = [
  ["Connection: Upgrade", "Upgrade: SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io"],
  [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol: v4.channel.k8s.io",
  ],
].map((lines) =>
  Buffer.from(["GET /exec/TOKEN HTTP/1.1", "Host: localhost", ...lines, "", ""].join("\r\n")),
);

const head = fc
  .tuple(
    fc.constantFrom("GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get"),
    fc.constantFrom(
      "/exec/TOKEN",
      "/attach/TOKEN",
      "/exec/x",
      "/",
      "*",
      "http://a/exec/TOKEN",
      "/exec//",
    ),
    fc.array(header, { maxLength: 8 }),
  )
  .map(([method, path, headers]) => {
    const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1");
  });

test("a client that says anything gets an HTTP response, one session at most, and nothing stays", async () => {
  await fuzz({
    corpus: corpus("http-head"),
    inputs: fc.oneof(head, fc.constantFrom(...upgrades)),
    words: [
      "\r\n",
      "\r\n\r\n",
      "\n",
      "\0",
      ": ",
      "HTTP/2.0",
      " TOKEN",
      "%2f",
      "?",
      "Upgrade: ",
      "\x80\x03",
    ],
    runs: 150,
    async check(input) {
      stdin = { bytes: Buffer.alloc(0), ended: false };
      over = Promise.withResolvers();
      const url = execUrl();
      const token = url.pathname.split("/").at(-1) ?? "";
      const bytes = input.toString("latin1").replaceAll("TOKEN", token);
      const socket = connect(Number(url.port), url.hostname);
      socket.on("error", () => undefined);
      const said: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => said.push(chunk));
      const closed = new Promise((resolve) => socket.once("close", resolve));
      socket.end(bytes, "latin1");
      await closed;
      const reply = Buffer.concat(said).toString("latin1");
      // One that is reset while it is refused may get nothing at all.
      if (reply !== "") expect(reply).toMatch(/^HTTP\/1\.1 (101|4\d\d|501|503) /);
      expect(reply.length).toBeLessThan(64 * 1024);
      expect(reply.split("HTTP/1.1 101").length).toBeLessThanOrEqual(2);
      if (reply.startsWith("HTTP/1.1 101")) expect(bytes).toContain(`/exec/${token}`);
      await idle(server);
      await forget(url);
    },
  });
});

/** A token is used up by the first request for it. */
async function forget(url: URL): Promise<void> {
  await fetch(url, { method: "POST", headers: { connection: "close" } });
  expect(server.stats().tokens).toBe(0);
  await idle(server);
}
