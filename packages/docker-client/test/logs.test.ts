import { type FakeEngine, frame, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient, type LogFrame } from "../src/index.js";

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

async function texts(frames: AsyncIterable<LogFrame>, into: string[] = []): Promise<string[]> {
  for await (const { stream, data } of frames) into.push(`${stream} ${data.toString("utf8")}`);
  return into;
}

/** Sends each chunk when the one before it has left. */
function serveChunks(chunks: Buffer[], finish: "end" | "cut" = "end"): void {
  engine.handle = (seen, response) => {
    const send = (i: number): void => {
      const chunk = chunks[i];
      if (chunk !== undefined) response.write(chunk, () => setImmediate(send, i + 1));
      else if (finish === "end") response.end();
      else seen.request.socket.destroy();
    };
    response.flushHeaders();
    send(0);
  };
}

test("frames that arrive in pieces come out whole, with their stream", async () => {
  const bytes = Buffer.concat([frame(1, "out\n"), frame(2, "err\n"), frame(1, ""), frame(1, "x")]);
  serveChunks([
    bytes.subarray(0, 3),
    bytes.subarray(3, 10),
    bytes.subarray(10, 21),
    bytes.subarray(21),
  ]);
  const frames = client.containers.logs("a", { tty: false });
  await expect(texts(frames)).resolves.toEqual([
    "stdout out\n",
    "stderr err\n",
    "stdout ",
    "stdout x",
  ]);
});

test("batches hold the same frames", async () => {
  serveChunks([Buffer.concat([frame(1, "1"), frame(2, "2"), frame(1, "3")])]);
  const batches: string[][] = [];
  for await (const batch of client.containers.logs("a", { tty: false }).batches()) {
    batches.push(batch.map(({ data }) => data.toString("utf8")));
  }
  expect(batches).toEqual([["1", "2", "3"]]);
});

test("a log that is cut between two messages fails with unavailable after those before", async () => {
  serveChunks([frame(1, "one")], "cut");
  const seen: string[] = [];
  await expect(texts(client.containers.logs("a", { tty: false }), seen)).rejects.toMatchObject({
    code: "unavailable",
    operation: "containers.logs",
  });
  expect(seen).toEqual(["stdout one"]);
});

test("a log that ends properly but within a message fails as well", async () => {
  serveChunks([frame(1, "one"), frame(1, "two").subarray(0, 9)]);
  const seen: string[] = [];
  await expect(texts(client.containers.logs("a", { tty: false }), seen)).rejects.toMatchObject({
    code: "unavailable",
    engineMessage: expect.stringContaining("middle of a message"),
  });
  expect(seen).toEqual(["stdout one"]);
});

test("what is no frame is a server error", async () => {
  serveChunks([Buffer.from("raw output of a terminal\r\n")]);
  await expect(texts(client.containers.logs("a", { tty: false }))).rejects.toMatchObject({
    code: "server_error",
  });
});

test("an error that the engine reports within the log is thrown after the frames before it", async () => {
  serveChunks([
    Buffer.concat([frame(1, "one"), frame(3, "Error grabbing logs: unexpected EOF\n")]),
  ]);
  const seen: string[] = [];
  await expect(texts(client.containers.logs("a", { tty: false }), seen)).rejects.toMatchObject({
    code: "server_error",
    engineMessage: "Error grabbing logs: unexpected EOF",
  });
  expect(seen).toEqual(["stdout one"]);
});

test("before API 1.42 the container's configuration tells whether it has a terminal", async () => {
  engine.handle = (seen, response) => {
    if (seen.path.endsWith("/json")) json(response, 200, { Config: { Tty: true } });
    else response.end("raw\r\n");
  };
  await expect(texts(client.containers.logs("a"))).resolves.toEqual(["stdout raw\r\n"]);
});

test.each([
  ["application/vnd.docker.raw-stream", Buffer.from("raw"), "stdout raw"],
  ["application/vnd.docker.multiplexed-stream", frame(2, "x"), "stderr x"],
])("from API 1.42 on the type %s tells it", async (type, body, expected) => {
  engine.apiVersion = "1.42";
  engine.handle = (_seen, response) => response.writeHead(200, { "Content-Type": type }).end(body);
  await expect(texts(client.containers.logs("a"))).resolves.toEqual([expected]);
  expect(engine.requests.map(({ path }) => path)).toEqual(["/version", "/containers/a/logs"]);
});

test("leaving the loop ends the request", async () => {
  engine.handle = (_seen, response) => {
    response.write(frame(1, "one"));
  };
  for await (const _ of client.containers.logs("a", { tty: false, follow: true })) break;
  await client.close();
  await engine.idle();
});

test("the engine is read no faster than the consumer takes frames", async () => {
  const size = 64 * 1024;
  const total = 1024;
  let sent = 0;
  let blocked: () => void;
  const full = new Promise<void>((resolve) => {
    blocked = resolve;
  });
  engine.handle = (_seen, response) => {
    const message = frame(1, Buffer.alloc(size));
    const send = (): void => {
      while (sent < total) {
        sent++;
        if (!response.write(message)) {
          blocked();
          response.once("drain", send);
          return;
        }
      }
      response.end();
    };
    send();
  };
  const frames = client.containers.logs("a", { tty: false })[Symbol.asyncIterator]();
  await frames.next();
  await full;
  // Other calls get through meanwhile; the sender stays where the buffers were full.
  for (let i = 0; i < 20; i++) await client.ping();
  expect(sent).toBeLessThan(total / 4);
  let received = 1;
  while (!(await frames.next()).done) received++;
  expect(received).toBe(total);
});

test("a log stream is iterated once only", async () => {
  serveChunks([frame(1, "x")]);
  const frames = client.containers.logs("a", { tty: false });
  await texts(frames);
  await expect(texts(frames)).rejects.toMatchObject({ code: "invalid_argument" });
});

test("the logs of nothing fail with not_found", async () => {
  engine.handle = (_seen, response) => json(response, 404, { message: "No such container: a" });
  await expect(texts(client.containers.logs("a"))).rejects.toMatchObject({
    code: "not_found",
    engineMessage: "No such container: a",
  });
});
