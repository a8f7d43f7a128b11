import { once } from "node:events";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { finished } from "node:stream/promises";
import { acceptUpgrade, type FakeEngine, frame, json, startFakeEngine } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createDockerClient, type DockerClient } from "../src/index.js";

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

/** The engine's end of the next connection that is taken over. */
function nextUpgrade(first: Buffer = Buffer.alloc(0)): Promise<Socket> {
  return new Promise((resolve) => {
    engine.upgrade = (_seen, socket) => {
      acceptUpgrade(socket);
      socket.write(first);
      resolve(socket);
    };
  });
}

const piped = { tty: false, stdin: true };

describe("a process behind a hijacked connection", () => {
  test("gets its input, and the end of it leaves the output flowing", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = await upgraded;
    stream.stdin?.end("question");
    let question = "";
    socket.on("data", (chunk) => {
      question += chunk;
    });
    // Not by iterating: in older Nodes that closes the other direction as well.
    await once(socket, "end");
    expect(question).toBe("question");
    socket.write(frame(1, "answer"));
    socket.end(frame(2, "warning"));
    expect(await Promise.all([text(stream.stdout), text(stream.stderr)])).toEqual([
      "answer",
      "warning",
    ]);
    await engine.close();
  });

  test("loses nothing that came along with the head of the reply", async () => {
    const upgraded = nextUpgrade(frame(1, "early"));
    const stream = await client.exec.start("e", piped);
    (await upgraded).end();
    expect(await text(stream.stdout)).toBe("early");
  });

  test("with a terminal delivers raw bytes on stdout", async () => {
    const upgraded = nextUpgrade(Buffer.from([1, 0, 0, 0, 0, 0, 0, 1, 65]));
    const stream = await client.containers.attach("c", { tty: true, stdout: true });
    expect(stream.stdin).toBeNull();
    (await upgraded).end();
    expect(await text(stream.stdout)).toBe("\u0001\0\0\0\0\0\0\u0001A");
    expect(await text(stream.stderr)).toBe("");
  });

  test("closes its connection when the engine has shut its direction down", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = await upgraded;
    socket.resume().end(frame(1, "bye"));
    const closed = once(socket, "close");
    expect(await text(stream.stdout)).toBe("bye");
    await closed;
    expect(stream.stdin?.destroyed).toBe(true);
  });

  test("fails with unavailable when it is cut within a frame", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    (await upgraded).end(frame(1, "half of it").subarray(0, 12));
    for (const output of [stream.stdout, stream.stderr]) {
      await expect(finished(output.resume())).rejects.toMatchObject({
        name: "DockerError",
        code: "unavailable",
        operation: "exec.start",
      });
    }
  });

  test("fails with server_error on what is no frame", async () => {
    const upgraded = nextUpgrade(Buffer.from("not a frame at all"));
    const stream = await client.exec.start("e", piped);
    await expect(text(stream.stdout)).rejects.toMatchObject({ code: "server_error" });
    await upgraded;
  });

  test("fails with canceled on an abort after the start, and gives the connection up", async () => {
    const controller = new AbortController();
    const upgraded = nextUpgrade(frame(1, "x"));
    const stream = await client.exec.start("e", { ...piped, signal: controller.signal });
    const socket = (await upgraded).resume();
    const closed = once(socket, "end");
    controller.abort();
    await expect(text(stream.stdout)).rejects.toMatchObject({ code: "canceled" });
    await expect(text(stream.stderr)).rejects.toMatchObject({ code: "canceled" });
    await closed;
  });

  test("ends quietly on close()", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = (await upgraded).resume();
    stream.close();
    stream.close();
    await once(socket, "end");
    expect(await text(stream.stdout)).toBe("");
  });

  test("ends on closeOnceQuiet() after the last of what still comes, also to a slow reader", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = (await upgraded).resume();
    const closed = once(socket, "end");
    const large = "x".repeat(1024 * 1024);
    socket.write(frame(1, large));
    stream.closeOnceQuiet(20);
    stream.stderr.resume();
    // Nobody reads stdout for many times as long as the connection may be quiet.
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await text(stream.stdout)).length).toBe(large.length);
    await closed;
  });

  test("is cut off when the client is closed", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    await upgraded;
    await client.close();
    await expect(text(stream.stdout)).rejects.toMatchObject({ code: "canceled" });
  });

  test("that no longer reads makes the writer wait", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = await upgraded;
    const chunk = Buffer.alloc(256 * 1024);
    let written = 0;
    while (stream.stdin?.write(chunk)) written++;
    for (let i = 0; i < 50 && stream.stdin !== null && !stream.stdin.writableNeedDrain; i++) {
      await client.ping();
    }
    expect(stream.stdin?.writableNeedDrain).toBe(true);
    expect(written).toBeLessThan(64);
    let received = 0;
    socket.on("data", (data: Buffer) => {
      received += data.length;
    });
    stream.stdin?.end();
    await once(socket, "end");
    expect(received).toBe((written + 1) * chunk.length);
  });

  test("whose output is not read is not buffered without limit, and none of it is lost", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = await upgraded;
    const message = frame(1, Buffer.alloc(64 * 1024, "x"));
    const total = 512;
    let sent = 0;
    let blocked: () => void = () => undefined;
    const full = new Promise<void>((resolve) => {
      blocked = resolve;
    });
    const send = (): void => {
      while (sent < total) {
        sent++;
        if (!socket.write(message)) {
          blocked();
          socket.once("drain", send);
          return;
        }
      }
      socket.end();
    };
    send();
    await full;
    for (let i = 0; i < 20; i++) await client.ping();
    expect(sent).toBeLessThan(total / 2);
    expect(stream.stdout.readableLength).toBeLessThan(1024 * 1024);
    let received = 0;
    for await (const data of stream.stdout) received += (data as Buffer).length;
    expect(received).toBe(total * 64 * 1024);
  });

  test("goes on for one output when the other is left", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    const socket = await upgraded;
    stream.stderr.destroy();
    for (let i = 0; i < 20; i++) {
      socket.write(frame(2, Buffer.alloc(64 * 1024)));
      socket.write(frame(1, "."));
    }
    socket.end();
    expect(await text(stream.stdout)).toBe(".".repeat(20));
  });

  test("that is gone swallows what is still written", async () => {
    const upgraded = nextUpgrade();
    const stream = await client.exec.start("e", piped);
    (await upgraded).destroy();
    await finished(stream.stdout.resume()).catch(() => undefined);
    await new Promise<void>((resolve) => {
      stream.stdin?.write("too late", () => resolve());
    });
  });
});

test("a refusal to start carries the engine's words", async () => {
  engine.handle = (_seen, response) =>
    json(response, 409, { message: "Container c is not running" });
  // A server that listens for upgrades gets all of them, so the refusal is written by hand.
  engine.upgrade = (_seen, socket) => {
    const body = JSON.stringify({ message: "Container c is not running" });
    socket.end(
      `HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  };
  await expect(client.exec.start("e", piped)).rejects.toMatchObject({
    code: "conflict",
    status: 409,
    engineMessage: "Container c is not running",
  });
});

test("an engine that does not hand the connection over is a server error", async () => {
  engine.upgrade = (_seen, socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  await expect(client.exec.start("e", piped)).rejects.toMatchObject({ code: "server_error" });
});
