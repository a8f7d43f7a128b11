import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { StreamingServer } from "../src/index.js";
import { createStreamingServer } from "../src/index.js";
import { requestUpgrade, spdyHeaders } from "../src/request-upgrade.js";
import { aborted, execRequest, fakeRuntime, idle, required, startServer } from "./fake-runtime.js";
import { dialSpdy, openTerminal } from "./spdy-client.js";

let server: StreamingServer;
afterEach(() => server.close());

const success = { exec: async () => ({ exitCode: 0 }) };

describe("URLs", () => {
  test("are absolute, with http and the real port on loopback", async () => {
    server = await startServer({});
    expect(server.baseUrl).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect(server.execUrl(execRequest)).toMatch(
      /^http:\/\/127\.0\.0\.1:[1-9]\d*\/exec\/[A-Za-z0-9_-]+$/,
    );
    expect(server.attachUrl(execRequest)).toContain("/attach/");
    expect(server.portForwardUrl({ podSandboxId: "p1", ports: [] })).toContain("/portforward/");
  });

  test("start with a configured base, whose path is served", async () => {
    server = await startServer(success, { baseUrl: "http://127.0.0.1:0/cri" });
    const url = server.execUrl(execRequest);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/cri\/exec\//);
    const client = await dialSpdy(url);
    await openTerminal(client, ["stdout", "stderr"]);
    await client.closed;
  });

  test("are not given before the server listens nor after it closed", async () => {
    server = createStreamingServer({ runtime: fakeRuntime({}) });
    const notListening = expect.objectContaining({ code: "not_listening" });
    expect(() => server.execUrl(execRequest)).toThrow(notListening);
    await server.listen();
    await server.close();
    expect(() => server.baseUrl).toThrow(notListening);
  });

  test("are given up to the limit of outstanding tokens", async () => {
    server = await startServer({}, { maxTokens: 2 });
    server.execUrl(execRequest);
    server.attachUrl(execRequest);
    expect(() => server.portForwardUrl({ podSandboxId: "p1", ports: [80] })).toThrow(
      expect.objectContaining({ code: "resource_exhausted" }),
    );
    expect(server.stats().tokens).toBe(2);
  });

  test("default to 1,000 outstanding tokens", async () => {
    server = await startServer({});
    for (let count = 0; count < 1000; count++) server.execUrl(execRequest);
    expect(() => server.execUrl(execRequest)).toThrow(
      expect.objectContaining({ code: "resource_exhausted" }),
    );
  });

  test.each([
    ["no container", { containerId: "" }, "missing required container_id"],
    ["a tty with stderr", { tty: true }, "tty and stderr cannot both be true"],
    [
      "no stream",
      { stdout: false, stderr: false },
      "one of stdin, stdout, or stderr must be requested",
    ],
  ])("are refused for %s", async (_name, change, message) => {
    server = await startServer({});
    const error = expect.objectContaining({ code: "invalid_argument", message });
    expect(() => server.execUrl({ ...execRequest, ...change })).toThrow(error);
    expect(() => server.attachUrl({ ...execRequest, ...change })).toThrow(error);
  });

  test("are refused for no sandbox and for impossible ports", async () => {
    server = await startServer({});
    const invalid = expect.objectContaining({ code: "invalid_argument" });
    expect(() => server.portForwardUrl({ podSandboxId: "", ports: [] })).toThrow(invalid);
    for (const port of [0, -1, 65_536, 1.5]) {
      expect(() => server.portForwardUrl({ podSandboxId: "p1", ports: [port] })).toThrow(invalid);
    }
  });
});

describe("HTTP", () => {
  const spdy = spdyHeaders(["v4.channel.k8s.io"]);

  test("answers 404 to an unknown token, a wrong kind and another path", async () => {
    server = await startServer({});
    const token = required(server.execUrl(execRequest).split("/").at(-1));
    for (const path of ["exec/unknown", `attach/${token}`, "", "exec", `exec/a/b`]) {
      await expect(requestUpgrade(`${server.baseUrl}/${path}`, spdy)).resolves.toMatchObject({
        status: 404,
        body: "404 page not found\n",
      });
    }
  });

  test("uses up a token at the first request, even one that cannot be upgraded", async () => {
    server = await startServer({});
    const url = server.execUrl(execRequest);
    await expect(requestUpgrade(url, {})).resolves.toMatchObject({ status: 400 });
    await expect(requestUpgrade(url, spdy)).resolves.toMatchObject({ status: 404 });
  });

  test("answers 404 to a token past its time", async () => {
    server = await startServer({}, { tokenTtlMs: 0 });
    await expect(requestUpgrade(server.execUrl(execRequest), spdy)).resolves.toMatchObject({
      status: 404,
    });
  });

  test.each([
    ["without a protocol version", { Connection: "Upgrade", Upgrade: "SPDY/3.1" }],
    ["with an empty protocol version", spdyHeaders([" , "])],
    ["without upgrade headers", { "X-Stream-Protocol-Version": "v4.channel.k8s.io" }],
    ["to upgrade to something else", { ...spdy, Upgrade: "h2c" }],
  ])("answers 400 to a request %s", async (_name, headers) => {
    server = await startServer({});
    await expect(requestUpgrade(server.execUrl(execRequest), headers)).resolves.toMatchObject({
      status: 400,
    });
  });

  test("answers 403 with the names it knows if there is no common protocol", async () => {
    server = await startServer({});
    const refused = await requestUpgrade(
      server.execUrl(execRequest),
      spdyHeaders(["v5.channel.k8s.io", "portforward.k8s.io"]),
    );
    const raw = "rawHeaders" in refused ? refused.rawHeaders : [];
    const names = raw.filter(
      (_value, index) => raw[index - 1] === "X-Accepted-Stream-Protocol-Versions",
    );
    expect(refused).toMatchObject({ status: 403 });
    expect(names).toEqual([
      "v4.channel.k8s.io",
      "v3.channel.k8s.io",
      "v2.channel.k8s.io",
      "channel.k8s.io",
    ]);
  });

  test("answers 405 to other methods", async () => {
    server = await startServer({});
    await expect(
      requestUpgrade(server.execUrl(execRequest), spdy, { method: "PUT" }),
    ).resolves.toMatchObject({ status: 405 });
  });

  test.each(["GET", "POST"])("upgrades a %s to the client's favourite protocol", async (method) => {
    server = await startServer({});
    const upgraded = await requestUpgrade(
      server.execUrl(execRequest),
      spdyHeaders(["v5.channel.k8s.io", "v3.channel.k8s.io", "v4.channel.k8s.io"]),
      { method },
    );
    expect(upgraded.headers).toMatchObject({
      connection: "Upgrade",
      upgrade: "SPDY/3.1",
      "x-stream-protocol-version": "v3.channel.k8s.io",
    });
    if ("socket" in upgraded) upgraded.socket.destroy();
  });
});

describe("close", () => {
  test("lets sessions end by themselves within the grace period", async () => {
    const release = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    server = await startServer({
      async exec({ stdout }) {
        started.resolve();
        await release.promise;
        stdout?.write("done");
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    const { stdout } = await openTerminal(client, ["stdout", "stderr"]);
    const output = stdout.toArray();
    await started.promise;
    const closed = server.close({ graceMs: 60_000 });
    release.resolve();
    expect(Buffer.concat(await output).toString()).toBe("done");
    client.connection.close();
    await closed;
    expect(server.stats()).toMatchObject({ sessions: 0, connections: 0 });
  });

  test("aborts sessions that outlast the grace period", async () => {
    const reason = Promise.withResolvers<unknown>();
    const started = Promise.withResolvers<void>();
    server = await startServer({
      async exec({ signal }) {
        started.resolve();
        reason.resolve(await aborted(signal));
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    await openTerminal(client, ["stdout", "stderr"]);
    await started.promise;
    await server.close({ graceMs: 0 });
    await expect(reason.promise).resolves.toMatchObject({ code: "server_closed" });
    await client.closed;
    await idle(server);
  });

  test("ends connections that are in no session", async () => {
    server = await startServer({});
    const upgraded = await requestUpgrade(
      server.execUrl(execRequest),
      spdyHeaders(["channel.k8s.io"]),
    );
    await server.close();
    expect(server.stats().connections).toBe(0);
    if ("socket" in upgraded) upgraded.socket.destroy();
  });
});

describe("clients that do not say what they want", () => {
  function dial(): Socket {
    const { hostname, port } = new URL(server.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    return socket.resume();
  }

  test.each([
    ["nothing", ""],
    ["half a head", "GET /exec/x HTTP/1.1\r\nHost: a\r\nX-Slow: "],
  ])("that send %s are cut off", async (_what, text) => {
    server = await startServer({}, { headTimeoutMs: 100 });
    const socket = dial();
    socket.write(text);
    await closed(socket);
    await idle(server);
  });

  test("leave room for those that do", async () => {
    server = await startServer(success, { maxWaiting: 3, headTimeoutMs: 600_000 });
    const silent = Array.from({ length: 8 }, dial);
    await Promise.all(silent.slice(0, 5).map((socket) => closed(socket)));
    const client = await dialSpdy(server.execUrl(execRequest));
    await openTerminal(client, ["stdout", "stderr"]);
    await client.closed;
  });

  test("are not confused with sessions, which may say nothing for long", async () => {
    server = await startServer(success, { maxWaiting: 1, headTimeoutMs: 100 });
    const session = await dialSpdy(server.execUrl(execRequest));
    const first = dial();
    const second = dial();
    await Promise.all([closed(first), closed(second)]);
    expect(server.stats().sessions).toBe(1);
    await openTerminal(session, ["stdout", "stderr"]);
    await session.closed;
  });
});

/** Settles when a connection is over, in whatever way. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.once("close", () => resolve()));
}
