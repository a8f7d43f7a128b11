import { Readable } from "node:stream";
import { type FakeEngine, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, type PullProgress } from "../src/index.js";
import { codeOfPullMessage } from "../src/pull.js";

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

function serveLines(...lines: (object | string)[]): void {
  engine.handle = (_seen, response) => {
    response.end(lines.map((l) => `${typeof l === "string" ? l : JSON.stringify(l)}\r\n`).join(""));
  };
}

const done = { status: "Status: Downloaded newer image for a:latest" };

describe("a pull", () => {
  test("reports its progress and resolves on the engine's report of success", async () => {
    const layer = { status: "Downloading", id: "abc", progressDetail: { current: 1, total: 2 } };
    serveLines({ status: "Pulling from a", id: "latest" }, layer, done);
    const seen: PullProgress[] = [];
    await client.images.pull("a", { onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([{ status: "Pulling from a", id: "latest" }, layer, done]);
    expect(Object.fromEntries(engine.requests.at(-1)?.query ?? [])).toEqual({
      fromImage: "a",
      tag: "latest",
    });
  });

  test("sends platform and credentials, the latter not in the URL", async () => {
    serveLines(done);
    await client.images.pull("r.example:5000/a:v1", {
      platform: "linux/arm64",
      auth: { username: "u", password: "p" },
    });
    const seen = engine.requests.at(-1);
    expect(Object.fromEntries(seen?.query ?? [])).toEqual({
      fromImage: "r.example:5000/a",
      tag: "v1",
      platform: "linux/arm64",
    });
    const header = String(seen?.request.headers["x-registry-auth"]);
    expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
      username: "u",
      password: "p",
    });
  });

  test.each([
    ["manifest for r/a:x not found: manifest unknown: manifest unknown", "not_found"],
    ["unauthorized: authentication required", "unauthorized"],
    ["denied: requested access to the resource is denied", "forbidden"],
    ["Get http://r/v2/: dial tcp 10.0.0.1:80: connect: connection refused", "registry_unavailable"],
    ["failed to register layer: no space left on device", "no_space"],
  ])("that fails within the progress with %j is %s, verbatim", async (message, code) => {
    serveLines({ status: "Pulling from a" }, { errorDetail: { message }, error: message });
    await expect(client.images.pull("a")).rejects.toMatchObject({
      name: "DockerError",
      code,
      engineMessage: message,
      operation: "images.pull",
    });
  });

  test.each([
    [
      404,
      "pull access denied for a, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      "forbidden",
    ],
    [404, "manifest for a:x not found: manifest unknown: manifest unknown", "not_found"],
    [500, "Head http://r/v2/a/manifests/x: unauthorized: authentication required", "unauthorized"],
    [500, "Get http://r/v2/: EOF", "registry_unavailable"],
    [429, "toomanyrequests: rate exceeded", "registry_unavailable"],
    [
      500,
      "unknown: failed to resolve reference: unexpected status from HEAD request to http://r/v2/a/manifests/x: 503 Service Unavailable",
      "registry_unavailable",
    ],
    [
      500,
      "unexpected status from HEAD request to http://r/v2/a/manifests/x: 401 Unauthorized",
      "unauthorized",
    ],
    [500, "something else", "server_error"],
    [400, "invalid reference format", "invalid_argument"],
  ])(
    "that is refused with status %i and %j is told apart by the words",
    async (status, message, code) => {
      engine.handle = (_seen, response) => json(response, status, { message });
      await expect(client.images.pull("a")).rejects.toMatchObject({
        code,
        status,
        engineMessage: message,
      });
    },
  );

  test("whose progress ends without an outcome is unavailable", async () => {
    serveLines({ status: "Pulling from a" }, { status: "Pull complete", id: "abc" });
    await expect(client.images.pull("a")).rejects.toMatchObject({
      code: "unavailable",
      engineMessage: expect.stringContaining("before the pull was done"),
    });
  });

  test("that is cut off is unavailable", async () => {
    engine.handle = (seen, response) => {
      response.write(`${JSON.stringify({ status: "Pulling from a" })}\r\n{"sta`, () =>
        seen.request.socket.destroy(),
      );
    };
    await expect(client.images.pull("a")).rejects.toMatchObject({ code: "unavailable" });
  });

  test("with progress that is no JSON is a server error", async () => {
    serveLines("<html>");
    await expect(client.images.pull("a")).rejects.toMatchObject({ code: "server_error" });
  });

  test("aborted in its middle gives up the connection, so that the engine stops", async () => {
    const controller = new AbortController();
    const cut = new Promise<void>((resolve) => {
      engine.handle = (_seen, response) => {
        response.write(`${JSON.stringify({ status: "Downloading" })}\n`);
        response.on("close", resolve);
      };
    });
    const outcome = client.images.pull("a", {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(outcome).rejects.toMatchObject({ code: "canceled" });
    await cut;
  });

  test("whose onProgress throws fails with that very error and is given up", async () => {
    const mine = new Error("mine");
    const cut = new Promise<void>((resolve) => {
      engine.handle = (_seen, response) => {
        response.write(`${JSON.stringify({ status: "Downloading" })}\n`);
        response.on("close", resolve);
      };
    });
    const onProgress = () => {
      throw mine;
    };
    await expect(client.images.pull("a", { onProgress })).rejects.toBe(mine);
    await cut;
  });

  test.each(["", ":tag", "a:", "@sha256:00"])("of %j is refused", async (reference) => {
    await expect(client.images.pull(reference)).rejects.toMatchObject({ code: "invalid_argument" });
    expect(engine.requests).toHaveLength(0);
  });
});

test.each([
  ["unauthorized: incorrect username or password", "unauthorized"],
  ["no basic auth credentials", "unauthorized"],
  ["toomanyrequests: rate exceeded", "registry_unavailable"],
  ["net/http: TLS handshake timeout", "registry_unavailable"],
  ["lookup r: no such host", "registry_unavailable"],
  ["received unexpected HTTP status: 503 Service Unavailable", "registry_unavailable"],
  ["no matching manifest for linux/s390x in the manifest list entries", "not_found"],
  ["tls: failed to verify certificate: x509: certificate signed by unknown authority", undefined],
  ["write /var/lib/docker/tmp/GetImageBlob1: no space left on device", "no_space"],
  ["unknown blob", "not_found"],
  ["layer does not match", undefined],
])("the message %j means %s", (message, code) => {
  expect(codeOfPullMessage(message)).toBe(code);
});

describe("a load", () => {
  test("sends the tar and returns what it held", async () => {
    let size = 0;
    engine.handle = (seen, response) => {
      seen.request.on("data", (chunk: Buffer) => {
        size += chunk.length;
      });
      seen.request.on("end", () => {
        response.write('{"stream":"Loaded image: a:1\\n"}\n');
        response.end('{"stream":"Loaded image ID: sha256:00\\n"}\n');
      });
    };
    const tar = Readable.from([Buffer.alloc(100_000), Buffer.alloc(5)]);
    await expect(client.images.load(tar)).resolves.toEqual(["a:1", "sha256:00"]);
    expect(size).toBe(100_005);
    await client.images.load(new Uint8Array(7));
    expect(size).toBe(100_012);
  });

  test("that fills the disk says so", async () => {
    engine.handle = (_seen, response) =>
      response.end('{"errorDetail":{"message":"write /x: no space left on device"}}\n');
    await expect(client.images.load(Buffer.alloc(1))).rejects.toMatchObject({ code: "no_space" });
  });

  test("that is refused is told why, and its body is not sent", async () => {
    const tar = Readable.from([Buffer.alloc(10_000_000)]);
    let received = 0;
    engine.expect = (seen, response) => {
      seen.request.on("data", (chunk: Buffer) => {
        received += chunk.length;
      });
      json(response, 404, { message: "not here" });
    };
    await expect(client.images.load(tar)).rejects.toMatchObject({
      code: "not_found",
      engineMessage: "not here",
    });
    expect(received).toBe(0);
    expect(tar.destroyed).toBe(true);
  });

  test("goes to an engine that does not know of 100 Continue as well", async () => {
    engine.expect = (seen, response) => {
      let size = 0;
      seen.request.on("data", (chunk: Buffer) => {
        size += chunk.length;
      });
      seen.request.on("end", () => json(response, 200, { stream: `Loaded image: a:${size}` }));
    };
    await expect(client.images.load(Buffer.alloc(700_000))).resolves.toEqual(["a:700000"]);
  });

  test("of something that is no image fails in the engine's words", async () => {
    engine.handle = (_seen, response) => response.end('{"error":"invalid tar header"}\n');
    await expect(client.images.load(Buffer.alloc(1))).rejects.toMatchObject({
      code: "invalid_argument",
      engineMessage: "invalid tar header",
    });
  });

  test("whose source breaks fails instead of hanging", async () => {
    engine.handle = (seen) => void seen.request.resume();
    const tar = new Readable({
      read() {
        this.destroy(new Error("disk trouble"));
      },
    });
    await expect(client.images.load(tar)).rejects.toMatchObject({
      code: "unavailable",
      cause: expect.objectContaining({ message: "disk trouble" }),
    });
  });
});
