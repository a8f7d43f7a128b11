import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { RuntimePortForwardRequest, StreamingServer } from "../src/index.js";
import { aborted, idle, readAll, readSome, startServer } from "./fake-runtime.js";
import { dialSpdy, openForward, type SpdyClient, spdyOver } from "./spdy-client.js";
import { dialTunnel } from "./tunnel-client.js";

let server: StreamingServer;
let pod: Server;
let podPort: number;
const podSockets = new Set<Socket>();

beforeEach(async () => {
  // The pod's server answers "got N bytes" when its client half-closes.
  pod = createServer({ allowHalfOpen: true }, (socket) => {
    podSockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => podSockets.delete(socket));
    let length = 0;
    socket.on("data", (chunk) => {
      length += chunk.length;
    });
    socket.on("end", () => socket.end(`got ${length} bytes`));
  });
  pod.listen(0, "127.0.0.1");
  await once(pod, "listening");
  podPort = (pod.address() as { port: number }).port;
});

afterEach(async () => {
  await server.close();
  for (const socket of podSockets) socket.destroy();
  pod.close();
});

/** What a host does: connect, then copy both ways with half-close. */
async function forward({ port, stream, signal }: RuntimePortForwardRequest): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  await Promise.all([
    pipeline(stream, socket, { signal }),
    pipeline(socket, stream, { signal }),
  ]).finally(() => socket.destroy());
}

const carriers: [string, (url: string) => Promise<SpdyClient>][] = [
  ["SPDY", (url) => dialSpdy(url, ["portforward.k8s.io"])],
  ["a tunnel in a WebSocket", async (url) => spdyOver(await dialTunnel(url))],
];

describe.each(carriers)("port-forward over %s", (_name, dial) => {
  function open(): Promise<SpdyClient> {
    return dial(server.portForwardUrl({ podSandboxId: "p1", ports: [] }));
  }

  async function hangUp(client: SpdyClient): Promise<void> {
    client.connection.close();
    await client.closed;
    await idle(server);
  }

  test("joins a port with a stream, with half-close in both directions", async () => {
    server = await startServer({ portForward: forward });
    const client = await open();
    const { error, data } = await openForward(client, podPort, "0");
    data.write(Buffer.alloc(300_000));
    data.end();
    const [answer, failure] = await Promise.all([readAll(data), readAll(error)]);
    expect(answer.toString()).toBe("got 300000 bytes");
    expect(failure.toString()).toBe("");
    await hangUp(client);
  });

  test("serves many connections at once, each its own", async () => {
    server = await startServer({ portForward: forward });
    const client = await open();
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const { data } = await openForward(client, podPort, String(index));
        data.end(Buffer.alloc(index * 1000));
        return (await readAll(data)).toString();
      }),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, (_, index) => `got ${index * 1000} bytes`));
    await hangUp(client);
  });

  test("tells why a port cannot be reached, and goes on with others", async () => {
    server = await startServer({
      portForward: (request) =>
        request.port === 1 ? Promise.reject(new Error("connection refused")) : forward(request),
    });
    const client = await open();
    const bad = await openForward(client, 1, "0");
    expect((await readAll(bad.error)).toString()).toBe(
      "error forwarding port 1 to pod p1: connection refused",
    );
    await expect(readAll(bad.data)).rejects.toMatchObject({ code: "client_gone" });
    const good = await openForward(client, podPort, "1");
    good.data.end("x");
    expect((await readAll(good.data)).toString()).toBe("got 1 bytes");
    await hangUp(client);
  });

  test("aborts what the client resets, without telling it an error", async () => {
    const reason = Promise.withResolvers<unknown>();
    server = await startServer({
      async portForward({ stream, signal }) {
        stream.write("ready");
        reason.resolve(await aborted(signal));
        throw new Error("aborted");
      },
    });
    const client = await open();
    const { error, data } = await openForward(client, podPort, "0");
    await readSome(data, 5);
    data.destroy();
    await expect(reason.promise).resolves.toMatchObject({ code: "client_gone" });
    expect(await readAll(error)).toHaveLength(0);
    await hangUp(client);
  });

  test("aborts everything when the client vanishes", async () => {
    const reasons: Promise<unknown>[] = [];
    server = await startServer({
      async portForward({ stream, signal }) {
        reasons.push(aborted(signal));
        stream.write("ready");
        await aborted(signal);
      },
    });
    const client = await open();
    for (const id of ["0", "1", "2"]) {
      await readSome((await openForward(client, podPort, id)).data, 5);
    }
    client.socket.destroy();
    const gone = expect.objectContaining({ code: "client_gone" });
    await expect(Promise.all(reasons)).resolves.toEqual([gone, gone, gone]);
    await idle(server);
  });

  test("pairs streams in either order", async () => {
    server = await startServer({ portForward: forward });
    const client = await open();
    const headers = { port: String(podPort), requestid: "7" };
    const data = await client.connection.openStream({ streamtype: "data", ...headers });
    data.end("abc");
    await client.connection.openStream({ streamtype: "error", ...headers });
    expect((await readAll(data)).toString()).toBe("got 3 bytes");
    await hangUp(client);
  });

  test("pairs consecutive streams of clients that give no request id", async () => {
    server = await startServer({ portForward: forward });
    const client = await open();
    const port = String(podPort);
    await client.connection.openStream({ streamtype: "error", port });
    const data = await client.connection.openStream({ streamtype: "data", port });
    data.end("abcd");
    expect((await readAll(data)).toString()).toBe("got 4 bytes");
    await hangUp(client);
  });

  test.each([
    ["no port", { streamtype: "data" }],
    ["port 0", { streamtype: "data", port: "0" }],
    ["a port beyond 16 bits", { streamtype: "data", port: "65536" }],
    ["a port that is no number", { streamtype: "data", port: "8o" }],
    ["no type", { port: "80" }],
    ["an unknown type", { streamtype: "stdin", port: "80" }],
  ])("resets a stream with %s", async (_case, headers) => {
    server = await startServer({});
    const client = await open();
    await expect(
      client.connection.openStream(headers as Record<string, string>),
    ).rejects.toMatchObject({ code: "client_gone" });
    await hangUp(client);
  });

  test("tells a client that opens the same stream twice", async () => {
    server = await startServer({});
    const client = await open();
    const { connection } = client;
    const headers = { port: "80", requestid: "0" };
    const error = await connection.openStream({ streamtype: "error", ...headers });
    await connection.openStream({ streamtype: "error", ...headers });
    expect((await readAll(error)).toString()).toBe(
      "error processing stream for request 0: error stream already assigned",
    );
    await hangUp(client);
  });

  test("tells a client that opens half a pair", async () => {
    server = await startServer({}, { streamCreationTimeoutMs: 20 });
    const client = await open();
    const headers = { port: "80", requestid: "5" };
    const error = await client.connection.openStream({ streamtype: "error", ...headers });
    expect((await readAll(error)).toString()).toBe("timed out waiting for streams of request 5");
    await hangUp(client);
  });
});

test("a tunnel ends with close code 1000 when the server closes", async () => {
  server = await startServer({});
  const tunnel = await dialTunnel(server.portForwardUrl({ podSandboxId: "p1", ports: [] }));
  tunnel.resume();
  const ended = once(tunnel, "end");
  await server.close();
  await ended;
  expect(tunnel.closeCode).toBe(1000);
  tunnel.destroy();
});

test("a tunnel with a text message ends", async () => {
  server = await startServer({});
  const tunnel = await dialTunnel(server.portForwardUrl({ podSandboxId: "p1", ports: [] }));
  tunnel.resume();
  tunnel.sendFrame(1, Buffer.from("text"));
  await once(tunnel, "end");
  tunnel.destroy();
  await idle(server);
});
