import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ResizeQueue } from "./resize.js";
import { encodeStatus, type SessionOutcome, type StatusFormat } from "./status.js";
import type { StreamRequest } from "./stream-requests.js";
import type { StreamingRuntime } from "./streaming-runtime.js";

/** An exec or an attach, which differ only in the call to the runtime. */
export type TerminalRequest = Extract<StreamRequest, { kind: "exec" | "attach" }>;

/** The client's side of a session, whatever carries it. */
export interface SessionTransport {
  readonly stdin: Readable | null;
  readonly stdout: Writable | null;
  readonly stderr: Writable | null;
  /** Takes the status. */
  readonly error: Writable;
  readonly resize: ResizeQueue;
  readonly statusFormat: StatusFormat;
  /** Aborted when the connection ends first. */
  readonly signal: AbortSignal;
  /** Told that the runtime's call is over, after which nothing is to be aborted. */
  runtimeDone(): void;
}

const nothing = Buffer.alloc(0);

/**
 * Runs a session to its end: the runtime's call, then all output, then the status, then the end
 * of every stream. Never rejects. The caller closes the connection afterwards.
 */
export async function runSession(
  runtime: StreamingRuntime,
  request: TerminalRequest,
  transport: SessionTransport,
): Promise<SessionOutcome> {
  const { stdout, stderr, error } = transport;
  const outcome = await callRuntime(runtime, request, transport);
  transport.runtimeDone();
  transport.resize.end();
  // Status last: old clients stop listening once they have it.
  await Promise.all([drained(stdout), drained(stderr)]);
  const action =
    request.kind === "exec"
      ? "error executing command in container"
      : "error attaching to container";
  const status = encodeStatus(outcome, transport.statusFormat, action);
  if (status !== "" && error.writable) error.write(status);
  await Promise.all([ended(stdout), ended(stderr), ended(error)]);
  return outcome;
}

async function callRuntime(
  runtime: StreamingRuntime,
  request: TerminalRequest,
  transport: SessionTransport,
): Promise<SessionOutcome> {
  const { stdin, stdout, stderr, resize, signal } = transport;
  const streams = { stdin, stdout, stderr, resize, signal };
  const { containerId, tty } = request;
  try {
    if (request.kind === "exec") {
      return await runtime.exec({ containerId, cmd: request.cmd, tty, ...streams });
    }
    await runtime.attach({ containerId, tty, ...streams });
    return { exitCode: 0 };
  } catch (reason) {
    return { error: reason instanceof Error ? reason : new Error(String(reason)) };
  }
}

/** Waits until the connection took everything written so far, or is gone. */
async function drained(stream: Writable | null): Promise<void> {
  if (stream === null || stream.destroyed) return;
  if (stream.writableEnded) {
    await settled(stream);
    return;
  }
  await new Promise<void>((resolve) => {
    stream.once("close", resolve);
    stream.write(nothing, () => {
      stream.off("close", resolve);
      resolve();
    });
  });
}

async function ended(stream: Writable | null): Promise<void> {
  if (stream !== null && !stream.destroyed) {
    stream.end();
    await settled(stream);
  }
}

/** A stream that fails here lost its client, which the session's signal tells. */
async function settled(stream: Writable): Promise<void> {
  await finished(stream, { readable: false }).catch(() => {});
}
