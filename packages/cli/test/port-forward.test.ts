import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import type { RuntimePortForwardRequest } from "@dockershim/streaming";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { parsePortPair } from "../src/sessions/port-pair.js";
import { startBin } from "./dockershim-bin.js";
import { runDockershim } from "./run-dockershim.js";
import { startSampleRuntime } from "./sample-runtime.js";

let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;
/** What listens in the pod: it answers when its client has ended its side. */
let pod: Server;
let podPort: number;

beforeAll(async () => {
  pod = createServer({ allowHalfOpen: true }, (socket) => {
    let length = 0;
    socket.on("data", (chunk) => {
      length += chunk.length;
    });
    socket.on("end", () => socket.end(`got ${length} bytes`));
    socket.on("error", () => undefined);
  }).listen(0, "127.0.0.1");
  await once(pod, "listening");
  podPort = (pod.address() as { port: number }).port;
  runtime = await startSampleRuntime({ portForward });
});
afterAll(async () => {
  await runtime.close();
  pod.close();
});

async function portForward({ port, stream }: RuntimePortForwardRequest): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  await Promise.all([pipeline(stream, socket), pipeline(socket, stream)]);
}

/** Starts the command, and resolves when it has told where it listens. */
async function start(...args: string[]) {
  const child = startBin(["port-forward", ...args], {
    CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint,
  });
  const printed = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    printed.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    printed.stderr += chunk;
  });
  const lines = args.filter((arg) => arg.includes(":")).length;
  await until(() => printed.stdout.split("\n").length > lines || child.exitCode !== null);
  const ports = [...printed.stdout.matchAll(/:(\d+) ->/g)].map(([, port]) => Number(port));
  return {
    printed,
    ports,
    async stop() {
      child.kill("SIGINT");
      expect(await once(child, "close")).toEqual([null, "SIGINT"]);
    },
  };
}

async function ask(port: number, bytes: number): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(Buffer.alloc(bytes));
  return await text(socket);
}

test("many connections to a port of a pod, with half-close, until interrupted", async () => {
  const { printed, ports, stop } = await start("front", `:${podPort}`);
  expect(printed.stdout).toBe(`127.0.0.1:${ports[0]} -> port ${podPort} of default/front\n`);
  const sizes = [0, 1, 100_000, 3_000_000];
  const answers = await Promise.all(sizes.map((size) => ask(ports[0] ?? 0, size)));
  expect(answers).toEqual(sizes.map((size) => `got ${size} bytes`));
  expect(printed.stderr).toBe("");
  await stop();
});

test("a port that nothing listens on is told, and others go on", async () => {
  const { printed, ports, stop } = await start("front", ":1", `:${podPort}`);
  expect(await ask(ports[0] ?? 0, 1)).toBe("");
  await until(() => printed.stderr !== "");
  expect(printed.stderr).toMatch(
    /^dockershim: port 1 of default\/front: .*connect ECONNREFUSED 127\.0\.0\.1:1\n$/,
  );
  expect(await ask(ports[1] ?? 0, 5)).toBe("got 5 bytes");
  await stop();
});

test("it listens where it is told to", async () => {
  const { printed, stop } = await start("front", `:${podPort}`, "--address", "127.0.0.2");
  expect(printed.stdout).toMatch(/^127\.0\.0\.2:\d+ -> /);
  await stop();
});

test("a port here that is in use is told, and none is left open", async () => {
  const args = ["port-forward", "front", `:${podPort}`, `${podPort}:80`];
  expect(await runDockershim(runtime.endpoint, args)).toEqual({
    stdout: "",
    stderr: `dockershim: cannot listen on 127.0.0.1, port ${podPort}: it is in use; :80 takes one that is free\n`,
    code: 1,
  });
});

test.each([
  [["front", "http"], '"http" is no port', 2],
  [["front", "70000"], '"70000" is no port', 2],
  [["nobody", "80"], 'no pod has the id or name "nobody"', 1],
  [["back", "80"], "PortForward: pod is not ready", 1],
])("%j is refused", async (args, message, code) => {
  const told = await runDockershim(runtime.endpoint, ["port-forward", ...args]);
  expect(told).toMatchObject({ stdout: "", stderr: expect.stringContaining(message), code });
});

test.each([
  ["80", { local: 80, remote: 80 }],
  ["8080:80", { local: 8080, remote: 80 }],
  [":80", { local: 0, remote: 80 }],
  ["0:80", { local: 0, remote: 80 }],
])("%s", (given, pair) => {
  expect(parsePortPair(given)).toEqual(pair);
});
