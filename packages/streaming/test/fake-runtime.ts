import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { until } from "@dockershim/testing";
import {
  createStreamingServer,
  type StreamingRuntime,
  type StreamingServer,
  type StreamingServerOptions,
} from "../src/index.js";

/** A runtime of which a test implements what it needs. */
export function fakeRuntime(parts: Partial<StreamingRuntime>): StreamingRuntime {
  const missing = (): never => {
    throw new Error("the test did not expect this call");
  };
  return { exec: missing, attach: missing, portForward: missing, ...parts };
}

/** Starts a server around parts of a runtime; the caller closes it. */
export async function startServer(
  parts: Partial<StreamingRuntime>,
  options: Partial<StreamingServerOptions> = {},
): Promise<StreamingServer> {
  const server = createStreamingServer({ runtime: fakeRuntime(parts), ...options });
  await server.listen();
  return server;
}

/** An exec request for a shell-like command without a terminal. */
export const execRequest = {
  containerId: "c1",
  cmd: ["sh"],
  tty: false,
  stdin: false,
  stdout: true,
  stderr: true,
} as const;

export function required<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error("a stream the test needs is missing");
  return value;
}

/** Everything a readable gives until it ends. */
export async function readAll(stream: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of required(stream)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Reads at least `size` bytes and leaves the stream open. */
export function readSome(stream: Readable, size: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onClose = (): void => reject(new Error(`closed after ${length} of ${size} bytes`));
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= size) {
        stream.off("data", onData);
        stream.off("close", onClose);
        stream.pause();
        resolve(Buffer.concat(chunks));
      }
    };
    stream.once("close", onClose);
    stream.on("data", onData);
    stream.resume();
  });
}

export async function writeAll(stream: Writable | null, data: string | Buffer): Promise<void> {
  const target = required(stream);
  if (!target.write(data)) await once(target, "drain");
}

/** Resolves when an abort signal fires. */
export async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) await once(signal, "abort");
  return signal.reason;
}

/** Waits until the server holds nothing. */
export async function idle(server: StreamingServer): Promise<void> {
  await until(() => {
    const { connections, sessions, streams, forwards, bufferedBytes } = server.stats();
    return connections + sessions + streams + forwards + bufferedBytes === 0;
  });
}
