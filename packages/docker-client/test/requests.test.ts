import { mkdir, rename, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname } from "node:path";
import { type FakeEngine, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, type DockerClientOptions } from "../src/index.js";

let engine: FakeEngine;
let client: DockerClient;

beforeEach(async () => {
  engine = await startFakeEngine();
  client = createDockerClient({ endpoint: engine.endpoint });
});

afterEach(async () => {
  await client.close();
  await engine.close();
});

function reconnect(options: Partial<DockerClientOptions>): DockerClient {
  client = createDockerClient({ endpoint: engine.endpoint, ...options });
  return client;
}

describe("negotiation", () => {
  test("nothing is sent before the first call, and then once", async () => {
    expect(engine.accepted).toBe(0);
    engine.handle = (_seen, response) => json(response, 200, []);
    await Promise.all([client.containers.list(), client.images.list(), client.containers.list()]);
    await client.containers.list();
    expect(engine.requests.filter(({ path }) => path === "/version")).toHaveLength(1);
    expect(engine.requests.at(-1)?.version).toBe("1.41");
  });

  test("an engine that is too old fails every call with unsupported_api", async () => {
    engine.apiVersion = "1.40";
    const expected = { code: "unsupported_api", engineMessage: expect.stringContaining("too old") };
    await expect(client.apiVersion()).rejects.toMatchObject(expected);
    await expect(client.containers.list()).rejects.toMatchObject(expected);
    expect(engine.requests.every(({ path }) => path === "/version")).toBe(true);
  });

  test("an engine that is too new fails with unsupported_api", async () => {
    engine.apiVersion = "1.60";
    engine.minApiVersion = "1.57";
    await expect(client.apiVersion()).rejects.toMatchObject({
      code: "unsupported_api",
      engineMessage: expect.stringContaining("too new"),
    });
  });

  test("an older engine in place of the first one is found out, and the write is sent again", async () => {
    engine.apiVersion = "1.51";
    engine.handle = (_seen, response) => response.writeHead(204).end();
    await client.containers.start("a");
    engine.apiVersion = "1.41";
    await expect(client.containers.start("b")).resolves.toEqual({ changed: true });
    expect(engine.requests.map(({ path, version }) => `${version} ${path}`)).toEqual([
      "undefined /version",
      "1.51 /containers/a/start",
      "1.51 /containers/b/start",
      "undefined /version",
      "1.41 /containers/b/start",
    ]);
  });

  test("an older engine in place of the first one is found out by each of several writes at once", async () => {
    engine.apiVersion = "1.51";
    engine.handle = (_seen, response) => response.writeHead(204).end();
    await client.containers.start("a");
    engine.apiVersion = "1.41";
    const changed = { changed: true };
    const writes = ["b", "c", "d"].map((id) => client.containers.start(id));
    await expect(Promise.all(writes)).resolves.toEqual([changed, changed, changed]);
    expect(engine.requests.filter(({ version }) => version === "1.41")).toHaveLength(3);
  });

  test("an older engine is found out also behind a connection that was reset", async () => {
    engine.apiVersion = "1.51";
    engine.handle = (_seen, response) => json(response, 200, []);
    await client.containers.list();
    engine.apiVersion = "1.41";
    for (const socket of engine.sockets) socket.destroy();
    await expect(client.containers.list()).resolves.toEqual([]);
    expect(engine.requests.at(-1)?.version).toBe("1.41");
  });

  test("a newer engine in place of the first one is spoken to in its version", async () => {
    engine.handle = (_seen, response) => response.writeHead(204).end();
    await client.containers.start("a");
    engine.apiVersion = "1.45";
    await client.containers.start("b");
    await client.containers.start("c");
    expect(engine.requests.at(-1)).toMatchObject({ version: "1.45", path: "/containers/c/start" });
    await expect(client.apiVersion()).resolves.toBe("1.45");
  });

  test("an engine that came up later is negotiated with anew", async () => {
    engine.apiVersion = "1.30";
    await expect(client.apiVersion()).rejects.toMatchObject({ code: "unsupported_api" });
    engine.apiVersion = "1.41";
    await expect(client.apiVersion()).resolves.toBe("1.41");
  });

  test("one caller's abort does not fail the others that wait for the same negotiation", async () => {
    engine.handle = (_seen, response) => json(response, 200, []);
    const controller = new AbortController();
    const aborted = client.containers.list({ signal: controller.signal });
    const other = client.containers.list();
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "canceled" });
    await expect(other).resolves.toEqual([]);
  });
});

describe("connections", () => {
  test("1,000 calls one after the other share one connection", async () => {
    for (let i = 0; i < 1000; i++) await client.ping();
    expect(engine.requests).toHaveLength(1000);
    expect(engine.accepted).toBe(1);
  });

  test("no more connections are used than allowed", async () => {
    reconnect({ maxSockets: 3 });
    await Promise.all(Array.from({ length: 50 }, () => client.ping()));
    expect(engine.requests).toHaveLength(50);
    expect(engine.accepted).toBe(3);
  });

  test("calls without a deadline don't take connections from the pool", async () => {
    reconnect({ maxSockets: 1 });
    engine.handle = (_seen, response) => void response;
    const waiting = [client.containers.stop("a"), client.containers.wait("b")];
    await client.ping();
    await client.close();
    for (const call of waiting) await expect(call).rejects.toMatchObject({ code: "canceled" });
  });

  test.each(["tcp://127.0.0.1:1", "tcp://no host", "unix:///nonexistent"])(
    "DOCKER_HOST=%s has no say",
    async (value) => {
      const before = process.env.DOCKER_HOST;
      try {
        process.env.DOCKER_HOST = value;
        await reconnect({}).ping();
        expect(process.env.DOCKER_HOST).toBe(value);
      } finally {
        if (before === undefined) delete process.env.DOCKER_HOST;
        else process.env.DOCKER_HOST = before;
      }
    },
  );

  test("an engine over TCP is reached", async () => {
    const server = createServer((request, response) => response.end(request.url));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const overTcp = createDockerClient({ endpoint: `tcp://127.0.0.1:${port}` });
    try {
      await overTcp.ping();
    } finally {
      await overTcp.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("a reading call survives a kept-alive connection that the engine closes as it is reused", async () => {
    let cut = 0;
    engine.handle = (seen, response) => {
      if (seen.path === "/info" && cut++ === 0) seen.request.socket.destroy();
      else json(response, 200, { DockerRootDir: "/d", Driver: "overlay2" });
    };
    await expect(client.info()).resolves.toMatchObject({ DockerRootDir: "/d" });
  });

  test("a writing call is not sent twice when its connection breaks", async () => {
    engine.handle = (seen) => seen.request.socket.destroy();
    await expect(client.containers.start("a")).rejects.toMatchObject({ code: "unavailable" });
    expect(engine.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
  });
});

describe("replies", () => {
  test.each([
    [304, "not_modified"],
    [400, "invalid_argument"],
    [401, "unauthorized"],
    [403, "forbidden"],
    [404, "not_found"],
    [409, "conflict"],
    [413, "invalid_argument"],
    [414, "invalid_argument"],
    [418, "server_error"],
    [431, "invalid_argument"],
    [500, "server_error"],
    [501, "not_implemented"],
    [503, "unavailable"],
  ])("status %i becomes %s", async (status, code) => {
    engine.handle = (_seen, response) => {
      response
        .writeHead(status)
        .end(status === 304 ? undefined : '{"message":"words: of\\nthe engine"}');
    };
    await expect(client.containers.kill("a")).rejects.toMatchObject({
      name: "DockerError",
      code,
      status,
      operation: "containers.kill",
      ...(status !== 304 && { engineMessage: "words: of\nthe engine" }),
    });
  });

  test("an error of any length is carried over, as far as it is read", async () => {
    engine.handle = (_seen, response) => json(response, 409, { message: "x".repeat(3_000_000) });
    await expect(client.containers.start("c")).rejects.toMatchObject({
      code: "conflict",
      engineMessage: expect.stringContaining("xxx"),
    });
  });

  test("an error in plain text is carried over", async () => {
    engine.handle = (_seen, response) => response.writeHead(502).end("bad gateway\n");
    await expect(client.info()).rejects.toMatchObject({
      code: "unavailable",
      engineMessage: "bad gateway",
    });
  });

  test("starting what runs is a success without a change", async () => {
    engine.handle = (_seen, response) => response.writeHead(304).end();
    await expect(client.containers.start("a")).resolves.toEqual({ changed: false });
    await expect(client.containers.stop("a")).resolves.toEqual({ changed: false });
  });

  test("a reply that is cut in its body fails instead of hanging", async () => {
    engine.handle = (seen, response) => {
      response.writeHead(200, { "Content-Length": 100 });
      response.write("[1,");
      setImmediate(() => seen.request.socket.destroy());
    };
    await expect(client.containers.list()).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a reply that is no JSON is a server error", async () => {
    engine.handle = (_seen, response) => response.end("<html>");
    await expect(client.info()).rejects.toMatchObject({ code: "server_error", operation: "info" });
  });

  test("no id at all never becomes a list", async () => {
    await expect(client.containers.inspect("")).rejects.toMatchObject({ code: "invalid_argument" });
    expect(engine.requests).toHaveLength(0);
  });

  test("queries and bodies reach the engine as meant", async () => {
    engine.handle = (seen, response) => {
      let body = "";
      seen.request.on("data", (chunk) => {
        body += chunk;
      });
      seen.request.on("end", () => {
        expect(seen.request.headers["content-type"]).toBe("application/json");
        json(response, 201, { Id: `${seen.query.get("name")} ${body}`, Warnings: null });
      });
    };
    await expect(client.containers.create({}, { name: "n&m" })).resolves.toEqual({
      Id: "n&m {}",
      Warnings: [],
    });
    let query = new URLSearchParams();
    engine.handle = (seen, response) => {
      query = seen.query;
      json(response, 200, []);
    };
    const filters = { label: ["a=b", "c"], status: ["running"] };
    await client.containers.list({ all: false, filters });
    expect(Object.fromEntries(query)).toEqual({
      all: "false",
      filters: JSON.stringify(filters),
    });
  });
});

describe("an engine that is away", () => {
  test("is unavailable, with the endpoint in the message", async () => {
    const away = createDockerClient({ endpoint: "unix:///nonexistent/docker.sock" });
    await expect(away.ping()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("unix:///nonexistent/docker.sock"),
      cause: expect.objectContaining({ code: "ENOENT" }),
    });
    await expect(away.containers.list()).rejects.toMatchObject({ code: "unavailable" });
    await away.close();
  });

  test("is found again when it comes back", async () => {
    const { endpoint } = engine;
    await client.ping();
    await engine.close();
    await expect(client.ping()).rejects.toMatchObject({ code: "unavailable" });
    engine = await startFakeEngine();
    const path = endpoint.slice("unix://".length);
    await mkdir(dirname(path), { recursive: true });
    await rename(engine.endpoint.slice("unix://".length), path);
    await client.ping();
    await rm(dirname(path), { recursive: true });
  });
});

describe("the observer of requests", () => {
  test("is told of the beginning and the end of each request, and of its error", async () => {
    const seen: string[] = [];
    await client.close();
    reconnect({
      onRequest: (operation) => {
        seen.push(`${operation} begins`);
        return (error) => seen.push(`${operation} ${error?.code ?? "ok"}`);
      },
    });
    engine.handle = ({ path }, response) =>
      json(
        response,
        path === "/containers/json" ? 200 : 404,
        path === "/containers/json" ? [] : {},
      );
    await client.containers.list();
    await expect(client.containers.inspect("x")).rejects.toMatchObject({ code: "not_found" });
    expect(seen.filter((line) => line.startsWith("containers."))).toEqual([
      "containers.list begins",
      "containers.list ok",
      "containers.inspect begins",
      "containers.inspect not_found",
    ]);
  });

  test("is not told of a request that was never made", async () => {
    const seen: string[] = [];
    await client.close();
    reconnect({
      onRequest: (operation) => {
        seen.push(operation);
        return () => undefined;
      },
    });
    await expect(client.containers.list({ signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "canceled",
    });
    expect(seen).toEqual([]);
  });
});
