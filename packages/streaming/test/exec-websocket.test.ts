import { finished } from "node:stream/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import type { StreamingServer } from "../src/index.js";
import {
  aborted,
  execRequest,
  idle,
  readAll,
  required,
  startServer,
  writeAll,
} from "./fake-runtime.js";
import { dialWebSocket } from "./websocket-client.js";

let server: StreamingServer;
afterEach(() => server.close());

const json = ["v4.channel.k8s.io", "v5.channel.k8s.io"];
const protocols = [
  [null, "binary", "text"],
  ["channel.k8s.io", "binary", "text"],
  ["base64.channel.k8s.io", "base64", "text"],
  ["v4.channel.k8s.io", "binary", "json"],
  ["v4.base64.channel.k8s.io", "base64", "json"],
  ["v5.channel.k8s.io", "binary", "json"],
] as const;

describe("exec over WebSocket", () => {
  test.each(protocols)("carries output and exit code with %p", async (name, encoding, format) => {
    server = await startServer({
      async exec({ stdout, stderr }) {
        await writeAll(stdout, "to stdout");
        await writeAll(stderr, "to stderr");
        return { exitCode: 7 };
      },
    });
    const client = await dialWebSocket(server.execUrl(execRequest), name, encoding);
    expect(client.socket.protocol).toBe(name ?? "");
    await expect(client.closed).resolves.toEqual({ code: 1000 });
    expect(client.messages[0]).toEqual({ channel: 1, data: "" });
    expect(client.text(1)).toBe("to stdout");
    expect(client.text(2)).toBe("to stderr");
    if (format === "json") {
      expect(JSON.parse(client.text(3))).toMatchObject({
        reason: "NonZeroExitCode",
        details: { causes: [{ reason: "ExitCode", message: "7" }] },
      });
    } else {
      expect(client.text(3)).toBe("command terminated with non-zero exit code: 7");
    }
    await idle(server);
  });

  test.each(protocols)(
    "carries binary input and output with %p",
    async (name, encoding, _format) => {
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
      server = await startServer({
        async exec({ stdin, stdout }) {
          let length = 0;
          for await (const chunk of required(stdin)) {
            await writeAll(stdout, chunk);
            length += chunk.length;
            if (length === bytes.length) break;
          }
          return { exitCode: 0 };
        },
      });
      const url = server.execUrl({ ...execRequest, stdin: true });
      const client = await dialWebSocket(url, name, encoding);
      client.send(0, bytes.subarray(0, 33_333));
      client.send(0, "");
      client.send(0, bytes.subarray(33_333));
      await client.closed;
      expect(Buffer.from(client.text(1), "latin1").equals(bytes)).toBe(true);
    },
  );

  test("reports success as silence to old clients and as a Status to new ones", async () => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const old = await dialWebSocket(server.execUrl(execRequest), "channel.k8s.io");
    await old.closed;
    expect(old.text(3)).toBe("");
    for (const name of json) {
      const client = await dialWebSocket(server.execUrl(execRequest), name);
      await client.closed;
      expect(JSON.parse(client.text(3))).toEqual({ metadata: {}, status: "Success" });
    }
  });

  test("sends the status after all output, written or still queued", async () => {
    server = await startServer({
      async exec({ stdout, stderr }) {
        for (let count = 0; count < 20; count++) stdout?.write(Buffer.alloc(500_000, "o"));
        stderr?.write("end");
        return { exitCode: 0 };
      },
    });
    const client = await dialWebSocket(server.execUrl(execRequest), "v4.channel.k8s.io");
    await client.closed;
    expect(client.text(1)).toHaveLength(10_000_000);
    expect(client.messages.findIndex(({ channel }) => channel === 3)).toBe(
      client.messages.length - 1,
    );
  });

  test("reports a rejection as an internal error", async () => {
    server = await startServer({ exec: () => Promise.reject(new Error("no such container")) });
    const client = await dialWebSocket(server.execUrl(execRequest), "v5.channel.k8s.io");
    await client.closed;
    expect(JSON.parse(client.text(3))).toMatchObject({
      reason: "InternalError",
      message: expect.stringContaining("no such container"),
    });
  });

  test("half-closes stdin for v5 clients while output goes on", async () => {
    server = await startServer({
      async exec({ stdin, stdout }) {
        const input = await readAll(stdin);
        await writeAll(stdout, `read ${input}`);
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    client.send(0, "all of it");
    client.send(255, Buffer.from([0]));
    await expect(client.closed).resolves.toEqual({ code: 1000 });
    expect(client.text(1)).toBe("read all of it");
  });

  test.each([
    ["an unknown channel", Buffer.from([9])],
    ["no channel", Buffer.alloc(0)],
    ["two channels", Buffer.from([0, 1])],
  ])("ends a v5 session that half-closes %s", async (_name, data) => {
    const reason = Promise.withResolvers<unknown>();
    server = await startServer({
      async exec({ signal }) {
        reason.resolve(await aborted(signal));
        return { exitCode: 0 };
      },
    });
    const client = await dialWebSocket(server.execUrl(execRequest), "v5.channel.k8s.io");
    client.send(255, data);
    await expect(client.closed).resolves.toEqual({ code: 1002 });
    await expect(reason.promise).resolves.toMatchObject({ code: "protocol_error" });
  });

  test("ignores channel 255 and other unknown channels before v5", async () => {
    server = await startServer({
      async exec({ stdin, stdout }) {
        for await (const chunk of required(stdin)) {
          await writeAll(stdout, chunk);
          break;
        }
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "v4.channel.k8s.io");
    client.send(255, Buffer.from([0]));
    client.send(77, "nobody");
    client.send(2, "output of the client");
    client.socket.send(Buffer.alloc(0));
    client.send(0, "typed");
    await client.closed;
    expect(client.text(1)).toBe("typed");
  });

  test("ends a base64 session whose message is not base64", async () => {
    server = await startServer({
      async exec({ signal }) {
        await aborted(signal);
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "base64.channel.k8s.io", "base64");
    client.socket.send("0not base64!");
    await expect(client.closed).resolves.toEqual({ code: 1002 });
    await idle(server);
  });

  test("passes terminal sizes with a tty", async () => {
    server = await startServer({
      async exec({ resize, stdout }) {
        for await (const { width, height } of resize) {
          await writeAll(stdout, `${width}x${height};`);
          if (height === 50) break;
        }
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, tty: true, stderr: false });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    client.send(4, '{"Width":80,"Height":24}');
    await client.until(1, (text) => text === "80x24;");
    client.send(4, '{"Width":100,"Height":50}');
    await client.closed;
    expect(client.text(1)).toBe("80x24;100x50;");
  });

  test.each([
    ["stderr", { stdout: false }, 2],
    ["the error channel", { stdin: true, stdout: false, stderr: false }, 3],
  ])("greets on %s if there is no stdout", async (_name, change, channel) => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const url = server.execUrl({ ...execRequest, ...change });
    const client = await dialWebSocket(url, "v4.channel.k8s.io");
    await client.closed;
    expect(client.messages[0]).toEqual({ channel, data: "" });
  });

  test("aborts the runtime and fails its streams when the client vanishes", async () => {
    const result = Promise.withResolvers<unknown[]>();
    server = await startServer({
      async exec({ signal, stdin, stdout }) {
        stdout?.write("started");
        const input = readAll(stdin).catch((error: unknown) => error);
        const output = finished(required(stdout)).catch((error: unknown) => error);
        result.resolve(await Promise.all([aborted(signal), input, output]));
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    await client.until(1, (text) => text === "started");
    client.socket.terminate();
    const gone = expect.objectContaining({ code: "client_gone" });
    await expect(result.promise).resolves.toEqual([gone, gone, gone]);
    await idle(server);
  });

  test("ends an idle session", async () => {
    const reason = Promise.withResolvers<unknown>();
    server = await startServer(
      {
        async exec({ signal }) {
          reason.resolve(await aborted(signal));
          return { exitCode: 0 };
        },
      },
      { idleTimeoutMs: 50 },
    );
    const client = await dialWebSocket(server.execUrl(execRequest), "v5.channel.k8s.io");
    await expect(reason.promise).resolves.toMatchObject({ code: "timeout" });
    await client.closed;
    await idle(server);
  });

  test("refuses a client without a common protocol with an empty 403", async () => {
    server = await startServer({});
    await expect(dialWebSocket(server.execUrl(execRequest), "v9.channel.k8s.io")).rejects.toThrow(
      "refused with 403",
    );
  });

  test("takes the client's favourite among the protocols it knows", async () => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const url = server.execUrl(execRequest).replace(/^http/, "ws");
    const socket = new WebSocket(url, ["v9.channel.k8s.io", "channel.k8s.io", "v5.channel.k8s.io"]);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(socket.protocol).toBe("channel.k8s.io");
  });

  test("refuses a used token", async () => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const url = server.execUrl(execRequest);
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    await client.closed;
    await expect(dialWebSocket(url, "v5.channel.k8s.io")).rejects.toThrow("refused with 404");
  });
});

describe("attach over WebSocket", () => {
  test("runs to detachment and reports success", async () => {
    server = await startServer({
      async attach({ stdin, stdout, containerId }) {
        await writeAll(stdout, `${containerId} ${await readAll(stdin)}`);
      },
    });
    const url = server.attachUrl({ ...execRequest, stdin: true });
    const client = await dialWebSocket(url, "v5.channel.k8s.io");
    client.send(0, "typed");
    client.send(255, Buffer.from([0]));
    await expect(client.closed).resolves.toEqual({ code: 1000 });
    expect(client.text(1)).toBe("c1 typed");
    expect(JSON.parse(client.text(3))).toMatchObject({ status: "Success" });
  });
});
