import { mkdtempSync, rmSync } from "node:fs";
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
} from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, type ConnectError } from "@connectrpc/connect";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { HotCall } from "../src/messages/encoded.js";
import { maxMessageBytes } from "../src/messages/message-size.js";
import { createHotCalls } from "../src/server/hot-calls.js";
import { ShimError } from "../src/shim-error.js";

const path = "/runtime.v1.RuntimeService/Version";

let dir: string;
let server: Http2Server;
let client: ClientHttp2Session;
let reply: HotCall["reply"];
let current: boolean;
let ready: boolean;
/** What the log and the tracing were told. */
let told: string[];
/** Streams that were left to the framework. */
let left: number;
let closed: number;

beforeEach(async () => {
  [reply, current, ready, told, left, closed] = [(request) => [request], true, true, [], 0, 0];
  const hotCalls = createHotCalls({
    calls: new Map([[path, { reply: (request) => reply(request), when: () => ready }]]),
    current: () => current,
    log: {
      succeeded: (method) => told.push(`${method} succeeded`),
      failed: (method, _started, err: ConnectError) =>
        told.push(`${method} failed: ${Code[err.code]}`),
    },
    tracing: {
      answered: (called: string, parent?: string, _ms?: number, err?: unknown) =>
        told.push(`span ${called} of ${parent}${err === undefined ? "" : ", failed"}`),
    } as never,
  });
  dir = mkdtempSync(join(tmpdir(), "hot-"));
  const socket = join(dir, "s");
  server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("close", () => closed++);
    if (hotCalls(stream, headers)) return;
    left++;
    stream.respond({ ":status": 299 }, { endStream: true });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  client = connectHttp2("http://localhost", { createConnection: () => connect(socket) });
});
afterEach(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  rmSync(dir, { recursive: true });
});

/** A gRPC message with its prefix. */
function framed(body: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

async function call(
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ head: IncomingHttpHeaders; body: Buffer; trailers: IncomingHttpHeaders }> {
  const stream = client.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    ...headers,
  });
  stream.end(body);
  const chunks: Buffer[] = [];
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on("response", (given) => {
    head = given;
  });
  stream.on("trailers", (given) => {
    trailers = given;
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve, reject) => stream.on("end", resolve).on("error", reject));
  return { head, body: Buffer.concat(chunks), trailers };
}

test("a call is answered with one message, put together from its parts, and status 0", async () => {
  reply = (request) => [request, new Uint8Array(), Buffer.from("def")];
  const { head, body, trailers } = await call(framed(Buffer.from("abc")), { traceparent: "p" });
  expect(head).toMatchObject({ ":status": 200, "content-type": "application/grpc+proto" });
  expect(body).toEqual(framed(Buffer.from("abcdef")));
  expect(trailers["grpc-status"]).toBe("0");
  expect(told).toEqual(["Version succeeded", `span ${path} of p`]);
});

test("an error is mapped as everywhere, logged and traced", async () => {
  reply = () => {
    throw new ShimError("not_found", "container_id: no ä/%\n");
  };
  const { head, body } = await call(framed(new Uint8Array()));
  expect(head).toMatchObject({ ":status": 200, "grpc-status": String(Code.NotFound) });
  expect(decodeURIComponent(String(head["grpc-message"]))).toBe("container_id: no ä/%\n");
  expect(body).toHaveLength(0);
  expect(told).toEqual(["Version failed: NotFound", `span ${path} of undefined, failed`]);
});

test("a reply may wait for its turn, and fail after it", async () => {
  reply = async (request) => [await Promise.resolve(request)];
  expect((await call(framed(Buffer.from("abc")))).body).toEqual(framed(Buffer.from("abc")));
  reply = async () => {
    throw await Promise.resolve(new ShimError("not_found", "gone"));
  };
  const { head } = await call(framed(new Uint8Array()));
  expect(head["grpc-status"]).toBe(String(Code.NotFound));
  expect(told).toEqual([
    "Version succeeded",
    `span ${path} of undefined`,
    "Version failed: NotFound",
    `span ${path} of undefined, failed`,
  ]);
});

test("a reply that comes when its caller has gone goes nowhere", async () => {
  const waits = Promise.withResolvers<Uint8Array[]>();
  const asked = Promise.withResolvers<void>();
  reply = () => {
    asked.resolve();
    return waits.promise;
  };
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
  const stream = client.request(headers);
  stream.on("error", () => undefined);
  stream.end(framed(Buffer.from("abc")));
  await asked.promise;
  stream.destroy(new Error("gone"));
  await until(() => closed === 1);
  waits.resolve([Buffer.from("late")]);
  reply = (request) => [request];
  expect((await call(framed(Buffer.from("x")))).trailers["grpc-status"]).toBe("0");
  expect(told).toEqual(["Version succeeded", `span ${path} of undefined`]);
});

test("a large reply of one part is sent whole", async () => {
  const large = Buffer.alloc(300_000, "large");
  reply = () => [large];
  expect((await call(framed(new Uint8Array()))).body).toEqual(framed(large));
});

describe("a request that is not one plain message is refused", () => {
  test.each<[string, Uint8Array]>([
    ["empty", new Uint8Array()],
    ["cut off", framed(Buffer.from("abc")).subarray(0, 6)],
    ["followed by another", Buffer.concat([framed(Buffer.from("a")), framed(Buffer.from("b"))])],
    ["compressed", framed(Buffer.from("abc"), 1)],
  ])("when it is %s", async (_what, body) => {
    const { head } = await call(body);
    expect(head["grpc-status"]).toBe(String(Code.InvalidArgument));
  });

  test("when it is too large to be one of ours, and is not kept", async () => {
    const { head } = await call(framed(new Uint8Array(64 * 1024)));
    expect(head["grpc-status"]).toBe(String(Code.ResourceExhausted));
  });
});

test("a reply that is larger than gRPC's bound is refused with its size", async () => {
  reply = () => [new Uint8Array(maxMessageBytes), new Uint8Array(1)];
  const { head } = await call(framed(new Uint8Array()));
  expect(head["grpc-status"]).toBe(String(Code.ResourceExhausted));
  expect(decodeURIComponent(String(head["grpc-message"]))).toContain(String(maxMessageBytes + 1));
});

describe("is left to the framework", () => {
  test.each<[string, Record<string, string>]>([
    ["another method", { ":path": "/runtime.v1.RuntimeService/Status" }],
    ["compression", { "grpc-encoding": "gzip" }],
    ["JSON", { "content-type": "application/grpc+json" }],
    ["PUT", { ":method": "PUT" }],
  ])("%s", async (_what, headers) => {
    expect((await call(new Uint8Array(), headers)).head[":status"]).toBe(299);
    expect(left).toBe(1);
  });

  test("a call that has no answer yet without waiting", async () => {
    ready = false;
    expect((await call(framed(new Uint8Array()))).head[":status"]).toBe(299);
    ready = true;
    expect((await call(framed(new Uint8Array()))).head[":status"]).toBe(200);
  });

  test("every call while memory is not current", async () => {
    current = false;
    expect((await call(framed(new Uint8Array()))).head[":status"]).toBe(299);
  });
});

test("a client that resets its call in the middle costs nobody anything", async () => {
  const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
  const stream = client.request(headers);
  stream.on("error", () => undefined);
  stream.write(framed(Buffer.from("abc")).subarray(0, 4));
  await new Promise((resolve) => stream.once("ready", resolve));
  stream.destroy(new Error("gone"));
  await until(() => closed === 1);
  expect(told).toEqual([]);
  expect((await call(framed(Buffer.from("x")))).trailers["grpc-status"]).toBe("0");
});
