import { once } from "node:events";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { openExec, openPortForward } from "../src/client.js";
import type { StreamingServer } from "../src/index.js";
import { execRequest, idle, required, startServer } from "./fake-runtime.js";

let server: StreamingServer;

afterEach(() => server.close());

describe("openExec", () => {
  const wanted = { stdin: true, stdout: true, stderr: true };

  test("gives a command its input with an end, and its outputs and status back", async () => {
    server = await startServer({
      async exec({ stdin, stdout, stderr }) {
        stderr?.write("careful");
        await pipeline(required(stdin), required(stdout));
        return { exitCode: 3 };
      },
    });
    const session = await openExec(server.execUrl({ ...execRequest, stdin: true }), wanted);
    const outputs = Promise.all(
      [session.stdout, session.stderr].map((each) => text(required(each))),
    );
    required(session.stdin).end("x".repeat(1_000_000));
    expect(await outputs).toEqual(["x".repeat(1_000_000), "careful"]);
    expect(JSON.parse(await session.status)).toMatchObject({
      details: { causes: [{ reason: "ExitCode", message: "3" }] },
    });
    session.close();
    await idle(server);
  });

  test("streams that are not wanted are not there", async () => {
    server = await startServer({ exec: async () => ({ exitCode: 0 }) });
    const url = server.execUrl({ ...execRequest, stderr: false });
    const session = await openExec(url, { stdin: false, stdout: true, stderr: false });
    expect([session.stdin, session.stderr]).toEqual([null, null]);
    session.stdout?.resume();
    expect(JSON.parse(await session.status)).toMatchObject({ status: "Success" });
    session.close();
  });

  test("a session that breaks off has no status", async () => {
    server = await startServer({
      async exec({ signal }) {
        await once(signal, "abort");
        throw new Error("ended");
      },
    });
    const session = await openExec(server.execUrl(execRequest), { ...wanted, stdin: false });
    session.close();
    expect(await session.status).toBe("");
  });

  test("an address where nobody answers, or no session is, is an error", async () => {
    server = await startServer({});
    await expect(openExec("http://127.0.0.1:9/exec/x", wanted)).rejects.toMatchObject({
      code: "client_gone",
    });
    await expect(openExec(`${server.baseUrl}/exec/x`, wanted)).rejects.toMatchObject({
      code: "protocol_error",
      message: "it answered 404 404 page not found",
    });
  });
});

describe("openPortForward", () => {
  test("opens connections to several ports in one session, and tells those that fail", async () => {
    server = await startServer({
      async portForward({ port, stream }) {
        if (port === 1) throw new Error("connection refused");
        const asked = await text(stream);
        stream.end(`${port} got ${asked}`);
      },
    });
    const session = await openPortForward(server.portForwardUrl({ podSandboxId: "p", ports: [] }));
    const answers = await Promise.all(
      [80, 81].map(async (port) => {
        const { stream, failure } = await session.connect(port);
        stream.end("this");
        return [await text(stream), await failure];
      }),
    );
    expect(answers).toEqual([
      ["80 got this", ""],
      ["81 got this", ""],
    ]);
    const bad = await session.connect(1);
    expect(await bad.failure).toContain("connection refused");
    session.close();
    await session.closed;
    await expect(session.connect(80)).rejects.toMatchObject({ code: "client_gone" });
    await idle(server);
  });

  test("is closed when the server is", async () => {
    server = await startServer({});
    const session = await openPortForward(server.portForwardUrl({ podSandboxId: "p", ports: [] }));
    await server.close();
    await session.closed;
  });
});
