import { once } from "node:events";
import { finished } from "node:stream/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import type { RuntimeExecRequest, StreamingServer } from "../src/index.js";
import {
  aborted,
  execRequest,
  idle,
  readAll,
  readSome,
  required,
  startServer,
  writeAll,
} from "./fake-runtime.js";
import { dialSpdy, openTerminal } from "./spdy-client.js";

let server: StreamingServer;
afterEach(() => server.close());

async function statusOf(error: NodeJS.ReadableStream): Promise<unknown> {
  const text = (await readAll(error as never)).toString();
  return text === "" ? "" : JSON.parse(text);
}

describe("exec over SPDY", () => {
  test("gives the runtime the request and the client output and exit code", async () => {
    const seen: RuntimeExecRequest[] = [];
    server = await startServer({
      async exec(request) {
        seen.push(request);
        await writeAll(request.stdout, "to stdout");
        await writeAll(request.stderr, "to stderr");
        return { exitCode: 7 };
      },
    });
    const cmd = ["sh", "-c", "exit 7"];
    const client = await dialSpdy(server.execUrl({ ...execRequest, cmd }));
    const { error, stdout, stderr } = await openTerminal(client, ["stdout", "stderr"]);
    const [out, err, status] = await Promise.all([
      readAll(stdout),
      readAll(stderr),
      statusOf(error),
    ]);
    expect(out.toString()).toBe("to stdout");
    expect(err.toString()).toBe("to stderr");
    expect(status).toMatchObject({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: "7" }] },
    });
    expect(seen[0]).toMatchObject({ containerId: "c1", cmd, tty: false, stdin: null });
    expect(seen[0]?.signal.aborted).toBe(false);
    await client.closed;
    await idle(server);
  });

  test("accepts the streams in any order and ignores unknown ones", async () => {
    server = await startServer({
      async exec({ stdout }) {
        stdout?.end("output");
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    const stderr = await client.connection.openStream({ streamtype: "stderr" });
    const stdout = await client.connection.openStream({ streamtype: "stdout" });
    const odd = await client.connection.openStream({ streamtype: "telepathy" });
    odd.write("ignored");
    const error = await client.connection.openStream({ streamtype: "error" });
    stderr.resume();
    expect((await readAll(stdout)).toString()).toBe("output");
    expect(await statusOf(error)).toEqual({ metadata: {}, status: "Success" });
  });

  test("refuses a second stream of the same type", async () => {
    server = await startServer({});
    const client = await dialSpdy(server.execUrl(execRequest));
    await client.connection.openStream({ streamtype: "stdout" });
    await expect(client.connection.openStream({ streamtype: "stdout" })).rejects.toMatchObject({
      code: "client_gone",
    });
    client.connection.close();
  });

  test("carries stdin to its end while output goes on", async () => {
    server = await startServer({
      async exec({ stdin, stdout }) {
        const input = await readAll(stdin);
        await writeAll(stdout, `read ${input.length} bytes: ${input}`);
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdin, stdout, error } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    stdin.write("first ");
    stdin.end("last");
    expect((await readAll(stdout)).toString()).toBe("read 10 bytes: first last");
    expect(await statusOf(error)).toMatchObject({ status: "Success" });
  });

  test("is interactive: each side sees the other's bytes at once", async () => {
    server = await startServer({
      async exec({ stdin, stdout }) {
        for await (const chunk of required(stdin)) await writeAll(stdout, `echo ${chunk}`);
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdin, stdout } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    for (const line of ["one", "two", "three"]) {
      stdin.write(line);
      expect((await readSome(stdout, 5 + line.length)).toString()).toBe(`echo ${line}`);
    }
    stdin.end();
    await client.closed;
  });

  test("passes terminal sizes with a tty, where there is no stderr", async () => {
    server = await startServer({
      async exec({ resize, stdout, stderr, tty }) {
        const sizes = [];
        for await (const { width, height } of resize) {
          sizes.push(`${width}x${height}`);
          await writeAll(stdout, "resized");
          if (sizes.length === 2) break;
        }
        await writeAll(stdout, `${tty} ${stderr} ${sizes}`);
        return { exitCode: 0 };
      },
    });
    const url = server.execUrl({ ...execRequest, tty: true, stderr: false });
    const client = await dialSpdy(url);
    const { stdout, resize } = await openTerminal(client, ["stdout", "resize"]);
    resize.write('{"Width":80,"Height":24}\n');
    await readSome(stdout, 7);
    resize.write('{"Width":100,"Height":50}\n');
    expect((await readAll(stdout)).toString()).toBe("resizedtrue null 80x24,100x50");
  });

  test("ends sizes with the session for a runtime that waits for them", async () => {
    let ended = false;
    const loop = Promise.withResolvers<void>();
    server = await startServer({
      async exec({ resize }) {
        void (async () => {
          for await (const _ of resize) {
          }
          ended = true;
        })().finally(loop.resolve);
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    await openTerminal(client, ["stdout", "stderr"]);
    await loop.promise;
    expect(ended).toBe(true);
  });

  test("reports a rejection as an internal error", async () => {
    server = await startServer({
      exec: () => Promise.reject(new Error("container c1 is paused")),
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    const { error } = await openTerminal(client, ["stdout", "stderr"]);
    expect(await statusOf(error)).toMatchObject({
      status: "Failure",
      reason: "InternalError",
      message:
        "Internal error occurred: error executing command in container: container c1 is paused",
    });
  });

  test("reports a runtime that throws at once", async () => {
    server = await startServer({
      exec() {
        throw new Error("thrown, not rejected");
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    const { error } = await openTerminal(client, ["stdout", "stderr"]);
    expect(await statusOf(error)).toMatchObject({ reason: "InternalError" });
  });

  test("delivers all output before the end although input is left unread", async () => {
    const size = 3_000_000;
    server = await startServer({
      async exec({ stdout }) {
        await writeAll(stdout, Buffer.alloc(size, 1));
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdin, stdout, error } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    stdin.write(Buffer.alloc(10_000_000));
    const [output, status] = await Promise.all([readAll(stdout), statusOf(error)]);
    expect(output).toHaveLength(size);
    expect(status).toMatchObject({ status: "Success" });
    client.connection.close();
    await client.closed;
    await idle(server);
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
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdout } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    await readSome(stdout, 7);
    client.socket.destroy();
    const gone = expect.objectContaining({ code: "client_gone" });
    await expect(result.promise).resolves.toEqual([gone, gone, gone]);
    await idle(server);
  });

  test("stays counted as a session until the runtime let go", async () => {
    const release = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    server = await startServer({
      async exec({ signal }) {
        await aborted(signal);
        seen.resolve();
        await release.promise;
        return { exitCode: 0 };
      },
    });
    const client = await dialSpdy(server.execUrl(execRequest));
    await openTerminal(client, ["stdout", "stderr"]);
    client.socket.destroy();
    await seen.promise;
    expect(server.stats().sessions).toBe(1);
    release.resolve();
    await idle(server);
  });

  test("fails only the stream that the client resets", async () => {
    server = await startServer({
      async exec({ stdin, stdout }) {
        await readAll(stdin).catch(() => {});
        await writeAll(stdout, "still here");
        return { exitCode: 3 };
      },
    });
    const client = await dialSpdy(server.execUrl({ ...execRequest, stdin: true }));
    const { stdin, stdout, error } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    stdin.destroy();
    expect((await readAll(stdout)).toString()).toBe("still here");
    expect(await statusOf(error)).toMatchObject({ reason: "NonZeroExitCode" });
  });

  test("gives up on a client that does not open its streams", async () => {
    // Long enough for the two streams that the client does open, on a busy machine too.
    server = await startServer({}, { streamCreationTimeoutMs: 1_000 });
    const client = await dialSpdy(server.execUrl(execRequest));
    const { error } = await openTerminal(client, ["stdout"]);
    expect(await statusOf(error)).toMatchObject({
      message: expect.stringContaining("timed out waiting for client to create streams"),
    });
    await client.closed;
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
      { idleTimeoutMs: 500 },
    );
    const client = await dialSpdy(server.execUrl(execRequest));
    const { stdout } = await openTerminal(client, ["stdout", "stderr"]);
    await expect(reason.promise).resolves.toMatchObject({ code: "timeout" });
    await expect(finished(stdout)).rejects.toMatchObject({ code: "client_gone" });
    await client.closed;
  });

  test("keeps a quiet session alive while the client pings", async () => {
    let pings = 0;
    const done = Promise.withResolvers<void>();
    server = await startServer(
      {
        async exec({ signal }) {
          await Promise.race([done.promise, aborted(signal)]);
          return { exitCode: signal.aborted ? 1 : 0 };
        },
      },
      { idleTimeoutMs: 400 },
    );
    const client = await dialSpdy(server.execUrl(execRequest));
    const { error } = await openTerminal(client, ["stdout", "stderr"]);
    const pinging = setInterval(() => {
      client.connection.ping();
      if (++pings === 60) done.resolve();
    }, 20);
    const status = await statusOf(error).finally(() => clearInterval(pinging));
    expect(status).toMatchObject({ status: "Success" });
    expect(pings).toBeGreaterThanOrEqual(60);
  });

  test.each(["v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"])(
    "tells %s clients failures in plain text and success by silence",
    async (protocol) => {
      const codes = [5, 0];
      server = await startServer({
        exec: async () => ({ exitCode: codes.shift() ?? 0 }),
      });
      const texts = [];
      for (let run = 0; run < 2; run++) {
        const client = await dialSpdy(server.execUrl(execRequest), [protocol]);
        const { error } = await openTerminal(client, ["stdout", "stderr"]);
        texts.push((await readAll(error)).toString());
      }
      expect(texts).toEqual(["command terminated with non-zero exit code: 5", ""]);
    },
  );

  test("expects no resize stream of v2 clients, even with a tty", async () => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const url = server.execUrl({ ...execRequest, tty: true, stderr: false });
    const client = await dialSpdy(url, ["v2.channel.k8s.io"]);
    const { error } = await openTerminal(client, ["stdout"]);
    expect(await readAll(error)).toHaveLength(0);
  });

  test("echoes pings of the client", async () => {
    server = await startServer({});
    const client = await dialSpdy(server.execUrl(execRequest));
    const answer = once(client.socket, "data");
    client.connection.ping();
    const [frame] = await answer;
    expect((frame as Buffer).toString("hex")).toBe("800300060000000400000001");
    client.connection.close();
  });
});

describe("attach over SPDY", () => {
  test("runs to detachment and reports success", async () => {
    server = await startServer({
      async attach({ containerId, stdin, stdout, tty }) {
        const input = await readAll(stdin);
        await writeAll(stdout, `${containerId} ${tty} ${input}`);
      },
    });
    const url = server.attachUrl({ ...execRequest, stdin: true });
    const client = await dialSpdy(url);
    const { stdin, stdout, error } = await openTerminal(client, ["stdin", "stdout", "stderr"]);
    stdin.end("typed");
    expect((await readAll(stdout)).toString()).toBe("c1 false typed");
    expect(await statusOf(error)).toEqual({ metadata: {}, status: "Success" });
  });

  test("says what failed", async () => {
    server = await startServer({ attach: () => Promise.reject(new Error("gone")) });
    const client = await dialSpdy(server.attachUrl(execRequest));
    const { error } = await openTerminal(client, ["stdout", "stderr"]);
    expect(await statusOf(error)).toMatchObject({
      message: "Internal error occurred: error attaching to container: gone",
    });
  });
});
