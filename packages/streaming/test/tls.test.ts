import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { StreamingServer } from "../src/index.js";
import { execRequest, idle, readAll, startServer, writeAll } from "./fake-runtime.js";
import { dialSpdy, openTerminal } from "./spdy-client.js";

/** Certificates made for these tests, valid for a hundred years. */
function fixture(name: string): Buffer {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

const tls = { cert: fixture("server.pem"), key: fixture("server-key.pem") };
const client = { cert: fixture("client.pem"), key: fixture("client-key.pem") };
const ca = fixture("ca.pem");
const runtime = {
  async exec({ stdout }: { stdout: NodeJS.WritableStream | null }) {
    await writeAll(stdout as never, "secret");
    return { exitCode: 0 };
  },
};

let server: StreamingServer;
afterEach(() => server.close());

describe("TLS", () => {
  test("serves https URLs", async () => {
    server = await startServer(runtime, { tls });
    const url = server.execUrl(execRequest);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:/);
    const connection = await dialSpdy(url, ["v4.channel.k8s.io"], { ca });
    const { stdout } = await openTerminal(connection, ["stdout", "stderr"]);
    expect((await readAll(stdout)).toString()).toBe("secret");
    await connection.closed;
    await idle(server);
  });

  test("cuts off who does not begin it, and keeps a session that began before", async () => {
    server = await startServer(runtime, { tls, headTimeoutMs: 500, maxWaiting: 1 });
    const url = server.execUrl(execRequest);
    const connection = await dialSpdy(url, ["v4.channel.k8s.io"], { ca });
    const silent = [1, 2].map(() => {
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      return socket.on("error", () => undefined).resume();
    });
    await Promise.all(silent.map((socket) => closed(socket)));
    const { stdout } = await openTerminal(connection, ["stdout", "stderr"]);
    expect((await readAll(stdout)).toString()).toBe("secret");
    await connection.closed;
  });

  test("asks for a client certificate where an authority for them is given", async () => {
    server = await startServer(runtime, { tls: { ...tls, clientCa: ca } });
    const url = server.execUrl(execRequest);
    await expect(dialSpdy(url, ["v4.channel.k8s.io"], { ca })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ERR_SSL|ECONNRESET|EPIPE)/),
    });
    const connection = await dialSpdy(url, ["v4.channel.k8s.io"], { ca, ...client });
    const { stdout } = await openTerminal(connection, ["stdout", "stderr"]);
    expect((await readAll(stdout)).toString()).toBe("secret");
    await connection.closed;
  });

  test("refuses a client certificate of another authority", async () => {
    server = await startServer(runtime, { tls: { ...tls, clientCa: tls.cert } });
    await expect(
      dialSpdy(server.execUrl(execRequest), ["v4.channel.k8s.io"], { ca, ...client }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^(ERR_SSL|ECONNRESET|EPIPE)/) });
  });
});

/** Settles when a connection is over, in whatever way. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}
