import { readdirSync } from "node:fs";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { StreamingServer } from "../src/index.js";
import {
  aborted,
  execRequest,
  idle,
  readAll,
  readSome,
  startServer,
  writeAll,
} from "./fake-runtime.js";
import { dialSpdy, openForward, openTerminal, type SpdyClient } from "./spdy-client.js";
import { dialWebSocket } from "./websocket-client.js";

let server: StreamingServer;
let fdsBefore: number;

function openFds(): number {
  return readdirSync("/proc/self/fd").length;
}

beforeEach(async () => {
  server = await startServer({
    async exec({ stdout, signal, cmd }) {
      await writeAll(stdout, "output");
      if (cmd[0] === "forever") await aborted(signal);
      return { exitCode: 0 };
    },
    async portForward({ stream }) {
      for await (const chunk of stream) await writeAll(stream, chunk);
    },
  });
  fdsBefore = openFds();
});

afterEach(() => server.close());

async function expectNothingLeft(): Promise<void> {
  await idle(server);
  expect(server.stats()).toEqual({
    tokens: 0,
    connections: 0,
    sessions: 0,
    streams: 0,
    forwards: 0,
    bufferedBytes: 0,
  });
  // The clients of these tests are in the same process and may close a moment later.
  await until(() => openFds() <= fdsBefore);
}

function dialPortForward(): Promise<SpdyClient> {
  const url = server.portForwardUrl({ podSandboxId: "p1", ports: [] });
  return dialSpdy(url, ["portforward.k8s.io"]);
}

/** Checks that the forward works and leaves it open. */
async function echo(client: SpdyClient, id: string) {
  const { error, data } = await openForward(client, 80, id);
  data.write(`hello ${id}`);
  expect((await readSome(data, 6 + id.length)).toString()).toBe(`hello ${id}`);
  return { error, data };
}

const parallel = Array.from({ length: 200 }, (_, index) => String(index));

describe("nothing is left of", () => {
  test("200 forwards in parallel over one connection", async () => {
    const client = await dialPortForward();
    const forwards = await Promise.all(parallel.map((id) => echo(client, id)));
    expect(server.stats()).toMatchObject({ sessions: 1, streams: 400, forwards: 200 });
    await Promise.all(
      forwards.map(async ({ error, data }, index) => {
        if (index % 2 === 0) {
          data.end();
          await readAll(data);
        } else {
          data.destroy();
        }
        await readAll(error);
      }),
    );
    await until(() => server.stats().streams + server.stats().forwards === 0);
    client.connection.close();
    await client.closed;
    await expectNothingLeft();
  });

  test("200 connections in parallel, of which half vanish", async () => {
    const clients = await Promise.all(parallel.map(dialPortForward));
    await Promise.all(clients.map((client, index) => echo(client, String(index))));
    expect(server.stats()).toMatchObject({ connections: 200, sessions: 200, forwards: 200 });
    for (const [index, client] of clients.entries()) {
      if (index % 2 === 0) client.connection.close();
      else client.socket.destroy();
    }
    await Promise.all(clients.map((client) => client.closed));
    await expectNothingLeft();
  });

  test("100 exec sessions in parallel over SPDY, of which half vanish", async () => {
    await Promise.all(
      parallel.slice(100).map(async (_, index) => {
        const cmd = [index % 2 === 0 ? "true" : "forever"];
        const client = await dialSpdy(server.execUrl({ ...execRequest, cmd }));
        const { stdout } = await openTerminal(client, ["stdout", "stderr"]);
        await readSome(stdout, 6);
        if (index % 2 !== 0) client.socket.destroy();
        await client.closed;
      }),
    );
    await expectNothingLeft();
  });

  test("100 exec sessions in parallel over WebSocket, of which half vanish", async () => {
    await Promise.all(
      parallel.slice(100).map(async (_, index) => {
        const cmd = [index % 2 === 0 ? "true" : "forever"];
        const url = server.execUrl({ ...execRequest, cmd });
        const client = await dialWebSocket(url, "v5.channel.k8s.io");
        await client.until(1, (text) => text === "output");
        if (index % 2 !== 0) client.socket.terminate();
        await client.closed;
      }),
    );
    await expectNothingLeft();
  });

  test("requests that never become a session", async () => {
    await Promise.all(
      parallel.map(() => dialSpdy(`${server.baseUrl}/exec/unknown`).catch(() => {})),
    );
    await expectNothingLeft();
  });
});
