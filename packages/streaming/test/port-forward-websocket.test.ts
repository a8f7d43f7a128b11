import { afterEach, describe, expect, test } from "@jest/globals";
import type { StreamingServer } from "../src/index.js";
import { aborted, idle, startServer, writeAll } from "./fake-runtime.js";
import { dialWebSocket } from "./websocket-client.js";

let server: StreamingServer;
afterEach(() => server.close());

const protocols = [
  [null, "binary"],
  ["v4.channel.k8s.io", "binary"],
  ["v4.base64.channel.k8s.io", "base64"],
] as const;

/** The port as the server writes it first on both channels. */
function prefix(port: number): string {
  return String.fromCharCode(port & 0xff, port >> 8);
}

describe("legacy port-forward over WebSocket", () => {
  test.each(protocols)("gives each port two channels with %p", async (name, encoding) => {
    server = await startServer({
      async portForward({ podSandboxId, port, stream }) {
        for await (const chunk of stream) {
          await writeAll(stream, `${podSandboxId}:${port} ${chunk}`);
          break;
        }
      },
    });
    const url = server.portForwardUrl({ podSandboxId: "p1", ports: [80, 8443] });
    const client = await dialWebSocket(url, name, encoding);
    client.send(0, "one");
    await client.until(0, (text) => text.endsWith("one"));
    client.send(2, "two");
    await expect(client.closed).resolves.toEqual({ code: 1000 });
    expect([0, 1, 2, 3].map(client.text)).toEqual([
      `${prefix(80)}p1:80 one`,
      prefix(80),
      `${prefix(8443)}p1:8443 two`,
      prefix(8443),
    ]);
    await idle(server);
  });

  test("writes a failure on the port's error channel", async () => {
    server = await startServer({
      portForward: () => Promise.reject(new Error("connection refused")),
    });
    const url = server.portForwardUrl({ podSandboxId: "p1", ports: [80] });
    const client = await dialWebSocket(url, "v4.channel.k8s.io");
    await client.closed;
    expect(client.text(1)).toBe(
      `${prefix(80)}error forwarding port 80 to pod p1: connection refused`,
    );
  });

  test("aborts when the client vanishes", async () => {
    const reason = Promise.withResolvers<unknown>();
    server = await startServer({
      async portForward({ signal }) {
        reason.resolve(await aborted(signal));
      },
    });
    const url = server.portForwardUrl({ podSandboxId: "p1", ports: [80] });
    const client = await dialWebSocket(url, null);
    client.socket.terminate();
    await expect(reason.promise).resolves.toMatchObject({ code: "client_gone" });
    await idle(server);
  });

  test.each([
    ["no ports", []],
    ["more ports than channels", Array.from({ length: 128 }, (_, index) => index + 1)],
  ])("is refused for %s", async (_name, ports) => {
    server = await startServer({});
    const url = server.portForwardUrl({ podSandboxId: "p1", ports });
    await expect(dialWebSocket(url, "v4.channel.k8s.io")).rejects.toThrow("refused with 400");
  });
});
