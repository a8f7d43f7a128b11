import { getEventListeners } from "node:events";
import type { ServerResponse } from "node:http";
import { acceptUpgrade, type FakeEngine, json, startFakeEngine, until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, type EventStreamItem } from "../src/index.js";

let engine: FakeEngine;
let client: DockerClient;

beforeEach(async () => {
  engine = await startFakeEngine();
  client = createDockerClient({ endpoint: engine.endpoint });
  await client.apiVersion();
});

afterEach(async () => {
  await client.close();
  await engine.close();
});

/** One call of each kind, for a signal. */
const calls: [string, (signal: AbortSignal) => Promise<unknown>][] = [
  ["a short call", (signal) => client.containers.list({ signal })],
  ["a call with a body", (signal) => client.containers.create({ Image: "i" }, { signal })],
  ["a call without a deadline", (signal) => client.containers.stop("a", { signal })],
  ["wait", (signal) => client.containers.wait("a", { signal })],
  ["pull", (signal) => client.images.pull("a", { signal })],
  ["load", (signal) => client.images.load(Buffer.alloc(10), { signal })],
  ["logs", (signal) => drain(client.containers.logs("a", { signal, tty: true }))],
  ["attach", (signal) => client.containers.attach("a", { signal, tty: true, stdout: true })],
  ["exec start", (signal) => client.exec.start("a", { signal, tty: true, stdin: false })],
  ["archive", (signal) => client.containers.getArchive("a", "/x", { signal })],
  ["export", (signal) => client.containers.exportFiles("a", { signal })],
];

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) {
    // Nothing to do with it.
  }
}

/** The connection of the negotiation stays in the pool; others must go. */
async function onlyPooledLeft(): Promise<void> {
  while (engine.sockets.size > 1) {
    const [socket] = [...engine.sockets].slice(-1);
    if (socket !== undefined && !socket.destroyed) {
      await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    }
  }
}

describe.each(calls)("%s", (_name, call) => {
  test("aborted before it is sent never reaches the engine", async () => {
    const before = engine.requests.length;
    await expect(call(AbortSignal.abort("why"))).rejects.toMatchObject({
      code: "canceled",
      cause: "why",
    });
    expect(engine.requests).toHaveLength(before);
  });

  test("aborted while the engine is silent gives up its connection", async () => {
    const controller = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      engine.handle = () => resolve();
      engine.upgrade = (_seen, socket) => {
        socket.resume().on("end", () => socket.destroy());
        resolve();
      };
    });
    const outcome = call(controller.signal);
    outcome.catch(() => undefined);
    await arrived;
    controller.abort();
    await expect(outcome).rejects.toMatchObject({ name: "DockerError", code: "canceled" });
    await onlyPooledLeft();
  });

  test("whose signal times out fails with deadline_exceeded", async () => {
    engine.handle = () => undefined;
    engine.upgrade = () => undefined;
    await expect(call(AbortSignal.timeout(20))).rejects.toMatchObject({
      code: "deadline_exceeded",
      engineMessage: "the engine did not answer in time",
    });
  });

  test("fails with canceled when the client is closed", async () => {
    const arrived = new Promise<void>((resolve) => {
      engine.handle = () => resolve();
      engine.upgrade = (_seen, socket) => {
        socket.resume().on("end", () => socket.destroy());
        resolve();
      };
    });
    const outcome = call(new AbortController().signal);
    outcome.catch(() => undefined);
    await arrived;
    await client.close();
    await expect(outcome).rejects.toMatchObject({
      code: "canceled",
      engineMessage: "the client was closed",
    });
    await engine.idle();
  });
});

test("a call aborted while the body arrives gives up its connection", async () => {
  const controller = new AbortController();
  engine.handle = (_seen, response) => {
    response.writeHead(200);
    response.write("[", () => controller.abort());
  };
  await expect(client.containers.list({ signal: controller.signal })).rejects.toMatchObject({
    code: "canceled",
  });
  await engine.idle();
});

test("an abort after the reply changes nothing, and the connection is reused", async () => {
  const controller = new AbortController();
  engine.handle = (_seen, response) => json(response, 200, []);
  await client.containers.list({ signal: controller.signal });
  controller.abort();
  await client.containers.list();
  expect(engine.accepted).toBe(1);
});

test("a call that queues for a connection is aborted at once", async () => {
  const narrow = createDockerClient({ endpoint: engine.endpoint, maxSockets: 1 });
  try {
    await narrow.apiVersion();
    let release: (() => void) | undefined;
    const held = new Promise<void>((resolve) => {
      engine.handle = (_seen, response) => {
        release = () => json(response, 200, []);
        resolve();
      };
    });
    const first = narrow.containers.list();
    await held;
    const controller = new AbortController();
    const queued = narrow.containers.inspect("queued", { signal: controller.signal });
    controller.abort();
    await expect(queued).rejects.toMatchObject({ code: "canceled" });
    release?.();
    await expect(first).resolves.toEqual([]);
    engine.handle = (_seen, response) => json(response, 200, []);
    await expect(narrow.containers.list()).resolves.toEqual([]);
    expect(engine.requests.some(({ path }) => path.includes("queued"))).toBe(false);
  } finally {
    await narrow.close();
  }
});

test("a short call ends at requestTimeoutMs with deadline_exceeded", async () => {
  const hasty = createDockerClient({ endpoint: engine.endpoint, requestTimeoutMs: 30 });
  engine.handle = () => undefined;
  await expect(hasty.containers.list()).rejects.toMatchObject({
    code: "deadline_exceeded",
    engineMessage: "the engine did not answer within 30 ms",
  });
  await hasty.close();
});

test("a stop may take longer than requestTimeoutMs", async () => {
  const hasty = createDockerClient({ endpoint: engine.endpoint, requestTimeoutMs: 30 });
  const stop = Promise.withResolvers<ServerResponse>();
  engine.handle = (seen, response) => {
    if (seen.path.endsWith("/stop")) stop.resolve(response);
  };
  const stopping = hasty.containers.stop("a");
  const response = await Promise.race([stop.promise, stopping]);
  // When this one has run into its deadline, the other has outlived the same one.
  await expect(hasty.containers.list()).rejects.toMatchObject({ code: "deadline_exceeded" });
  (response as ServerResponse).writeHead(204).end();
  await expect(stopping).resolves.toEqual({ changed: true });
  await hasty.close();
});

describe("the caller's signal", () => {
  /** The calls from above to the end of all that the engine sends. */
  const whole: [string, (signal: AbortSignal) => Promise<unknown>][] = [
    ...calls.slice(0, 7),
    [
      "attach",
      async (signal) =>
        drain((await client.containers.attach("a", { signal, tty: true, stdout: true })).stdout),
    ],
    [
      "exec start",
      async (signal) =>
        drain((await client.exec.start("a", { signal, tty: true, stdin: false })).stdout),
    ],
    [
      "archive",
      async (signal) => drain((await client.containers.getArchive("a", "/x", { signal })).tar),
    ],
    [
      "putArchive",
      (signal) => client.containers.putArchive("a", "/x", Buffer.alloc(10), { signal }),
    ],
    ["the API version", (signal) => client.apiVersion({ signal })],
    ["events up to the first one", (signal) => firstEvent(client.events({ signal }))],
  ];

  const answers: readonly [RegExp, (response: ServerResponse) => unknown][] = [
    [/json$/, (response) => json(response, 200, [])],
    [/create$/, (response) => json(response, 200, { Id: "a", status: "Status: done" })],
    [/stop$/, (response) => response.writeHead(204).end()],
    [/events$/, (response) => response.write('{"Type":"container","Action":"start"}\n')],
    [
      /archive$/,
      (response) => {
        const stat = Buffer.from("{}").toString("base64");
        response.setHeader("X-Docker-Container-Path-Stat", stat).end("tar");
      },
    ],
    [/wait$/, (response) => json(response, 200, { StatusCode: 0 })],
    [/./, (response) => json(response, 200, {})],
  ];

  async function firstEvent(items: AsyncIterable<EventStreamItem>): Promise<void> {
    for await (const item of items) {
      if (item.kind === "event") return;
    }
  }

  test.each(whole)("is let go of when %s has succeeded", async (_name, call) => {
    engine.handle = (seen, response) => {
      answers.find(([path]) => path.test(seen.path))?.[1](response);
    };
    engine.upgrade = (_seen, socket) => {
      acceptUpgrade(socket);
      socket.end("output");
    };
    const { signal } = new AbortController();
    await call(signal);
    // Connections let go of it when they have closed.
    await until(() => getEventListeners(signal, "abort").length === 0, { deadlineMs: 2_000 });
  });

  test.each(whole.filter(([name]) => !/version|events/.test(name)))(
    "is let go of when %s has failed",
    async (_name, call) => {
      engine.handle = (_seen, response) => json(response, 500, { message: "no" });
      engine.upgrade = (_seen, socket) =>
        socket.end("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
      const { signal } = new AbortController();
      await expect(call(signal)).rejects.toMatchObject({ code: "server_error" });
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
    },
  );

  test("has no more than its own listeners after a thousand calls", async () => {
    const { signal } = new AbortController();
    signal.addEventListener("abort", () => undefined);
    for (let i = 0; i < 1_000; i++) await client.ping({ signal });
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
  });
});

test("a closed client refuses calls", async () => {
  await client.close();
  await expect(client.ping()).rejects.toMatchObject({ code: "canceled" });
  await expect(client.apiVersion()).rejects.toMatchObject({ code: "canceled" });
});
