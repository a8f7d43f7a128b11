import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Stream, connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createGrpcTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { Health } from "@dockershim/cri-types/health";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { pino } from "pino";
import { type GrpcServer, serveGrpc } from "../src/server/grpc-server.js";
import { type Routes, unimplemented } from "../src/server/route.js";
import { ShimError } from "../src/shim-error.js";
import { createPodTimelines } from "../src/telemetry/pod-timelines.js";

type Service = typeof RuntimeService | typeof ImageService;

/** Routes of a service on which every call fails with a text that is as long as wanted. */
function failing<S extends Service>(service: S, message: () => string): Routes<S> {
  const fail = (): never => {
    throw new ShimError("not_found", message());
  };
  const route = { ...unimplemented(""), handler: async () => fail(), hot: { reply: fail } };
  const entries = service.methods.map(({ localName }) => [localName, route]);
  return Object.fromEntries(entries) as Routes<S>;
}

/** Events as fast as they are taken. */
async function* flood() {
  for (;;) yield { containerId: "x".repeat(64 * 1024) };
}

/** A server on which every other call than a health check, or one for events, fails with a text. */
function serve(path: string, message: () => string): Promise<GrpcServer> {
  const parts = {
    runtime: {
      ...failing(RuntimeService, message),
      getContainerEvents: { needs: "nothing", handler: flood },
    } satisfies Routes<typeof RuntimeService>,
    image: failing(ImageService, message),
    feed: { current: true, ready: async () => undefined },
    engine: { connected: true },
    log: pino({ level: "silent" }),
    onCall: undefined,
    tracing: undefined,
    timelines: createPodTimelines({ pod: () => undefined, container: () => undefined }),
  };
  return serveGrpc(parts, { path });
}

describe("errors of a server of gRPC", () => {
  const dir = mkdtempSync(join(tmpdir(), "grpc-"));
  const path = join(dir, "grpc.sock");
  let message = "";
  let server: GrpcServer;
  let session: Http2SessionManager;

  function transport(options: { readonly compressed: boolean }): Transport {
    const gzip = { sendCompression: compressionGzip, compressMinBytes: 0 };
    return createGrpcTransport({
      baseUrl: "http://localhost",
      sessionManager: session,
      ...(options.compressed ? gzip : {}),
    });
  }

  beforeAll(async () => {
    server = await serve(path, () => message);
    const createConnection = () => connect(path);
    session = new Http2SessionManager("http://localhost", {}, { createConnection });
  });
  afterAll(async () => {
    session.abort();
    await server.close(0);
    rmSync(dir, { recursive: true });
  });

  async function failure(call: Promise<unknown>): Promise<ConnectError> {
    return await call.then(
      () => {
        throw new Error("the call did not fail");
      },
      (reason) => ConnectError.from(reason),
    );
  }

  /** Does something while another call of the connection runs, which must not hear of it. */
  async function besides(work: () => Promise<void>): Promise<void> {
    const health = createClient(Health, transport({ compressed: false }));
    const ended = new AbortController();
    const watched = health.watch({ service: "" }, { signal: ended.signal });
    const states = watched[Symbol.asyncIterator]();
    await states.next();
    const rest = failure(states.next());
    await work();
    await expect(health.check({ service: "" })).resolves.toMatchObject({ status: 1 });
    const reason = new Error("this test is over");
    ended.abort(reason);
    expect((await rest).cause).toBe(reason);
  }

  // A request that is compressed is answered by the RPC framework, others ahead of it.
  test.each([
    ["the RPC framework", true],
    ["the hot path", false],
  ])(
    "a long message of %s reaches its caller, and harms no other call",
    async (_who, compressed) => {
      message = `no such container: ${"ä".repeat(200_000)} the end`;
      const runtime = createClient(RuntimeService, transport({ compressed }));
      await besides(async () => {
        const err = await failure(runtime.containerStatus({ containerId: "x" }));
        expect(err.code).toBe(Code.NotFound);
        expect(err.rawMessage).toMatch(/^no such container: .* the end$/);
      });
    },
  );

  test("a long name that an error of the framework's kind quotes reaches its caller too", async () => {
    const health = createClient(Health, transport({ compressed: true }));
    const err = await failure(health.check({ service: "y".repeat(1_000_000) }));
    expect(err.code).toBe(Code.NotFound);
    expect(err.rawMessage).toMatch(/^no service y+/);
  });

  test.each([
    ["grpc-encoding", " ä".repeat(4_000)],
    ["grpc-timeout", "%".repeat(9_000)],
    ["x-anything", "z".repeat(60_000)],
  ])("a long header %s costs its own call at most", async (name, value) => {
    const health = createClient(Health, transport({ compressed: false }));
    const headers = [[name, encodeURI(value)]] as [string, string][];
    await besides(async () => {
      await health.check({ service: "" }, { headers }).catch(() => undefined);
    });
  });
});

describe("a server of gRPC and clients that are none of its kind", () => {
  const dir = mkdtempSync(join(tmpdir(), "grpc-odd-"));
  const path = join(dir, "grpc.sock");
  let server: GrpcServer;
  beforeAll(async () => {
    server = await serve(path, () => "");
  });
  afterAll(async () => {
    await server.close(0);
    rmSync(dir, { recursive: true });
  });

  function open(headers: Record<string, string>): ClientHttp2Stream {
    const session = connectHttp2("http://localhost", { createConnection: () => connect(path) });
    session.on("error", () => {});
    const call = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Watch",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    call.on("error", () => {});
    call.once("close", () => session.destroy());
    return call;
  }

  /** Not by `once`, which is over at an error. */
  const closed = (call: ClientHttp2Stream): Promise<void> =>
    new Promise((resolve) => call.once("close", resolve));

  test("a client that leaves without having read all costs no line on stderr", async () => {
    const written = jest.spyOn(console, "error").mockImplementation(() => {});
    try {
      for (const code of [constants.NGHTTP2_ENHANCE_YOUR_CALM, constants.NGHTTP2_CANCEL]) {
        const call = open({ ":path": "/runtime.v1.RuntimeService/GetContainerEvents" });
        call.end(Buffer.alloc(5));
        await once(call, "response");
        call.close(code);
        await closed(call);
      }
      // What the server makes of them comes before its reply to a later call.
      const after = open({ ":path": "/grpc.health.v1.Health/Check" });
      after.end(Buffer.alloc(5));
      after.resume();
      await closed(after);
      expect(written).not.toHaveBeenCalled();
    } finally {
      written.mockRestore();
    }
  });

  test("an authority that is part of no URL costs its own call at most", async () => {
    const call = open({ ":authority": "a:99999" });
    call.resume();
    call.end(Buffer.alloc(5));
    await closed(call);
    expect(call.rstCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });
});

describe("a server of gRPC that ends", () => {
  const dir = mkdtempSync(join(tmpdir(), "grpc-end-"));
  const path = join(dir, "grpc.sock");
  afterAll(() => rmSync(dir, { recursive: true }));

  /** One call on a connection of its own. @returns Its gRPC status, or why there is none. */
  async function callOnce(): Promise<string> {
    return await new Promise((resolve) => {
      const socket = connect(path);
      const session = connectHttp2("http://localhost", { createConnection: () => socket });
      const settle = (outcome: string): void => {
        session.destroy();
        resolve(outcome);
      };
      socket.once("error", ({ syscall, message }: NodeJS.ErrnoException) =>
        // Nobody listens between two servers.
        settle(syscall === "connect" ? "nobody there" : message),
      );
      session.once("error", (err) => settle(err.message));
      const call = session.request({
        ":method": "POST",
        ":path": "/runtime.v1.RuntimeService/Version",
        "content-type": "application/grpc",
        te: "trailers",
      });
      let status: string | undefined;
      const read = (headers: Record<string, unknown>): void => {
        status ??= headers["grpc-status"] as string | undefined;
      };
      call.on("response", read).on("trailers", read);
      call.once("error", (err) => settle(err.message));
      call.once("close", () => settle(status ?? "closed without a status"));
      call.resume();
      // An empty message.
      call.end(Buffer.alloc(5));
    });
  }

  test("leaves no call unanswered whose connection it has taken", async () => {
    const outcomes: string[] = [];
    let over = false;
    const poll = async (): Promise<void> => {
      while (!over) outcomes.push(await callOnce());
    };
    const pollers = [poll(), poll(), poll(), poll()];
    for (let round = 0; round < 20; round++) {
      const server = await serve(path, () => "no such thing");
      const answered = outcomes.length;
      await until(() => outcomes.slice(answered).includes("5"));
      await server.close(10_000);
    }
    over = true;
    await Promise.all(pollers);
    // 5 is gRPC's NOT_FOUND.
    expect(outcomes.filter((outcome) => !["5", "nobody there"].includes(outcome))).toEqual([]);
  });
});
