import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { HijackedStream } from "@dockershim/docker-client";
import type { SessionStreams, TerminalSize } from "@dockershim/streaming";
import { createTypist } from "./terminal-input.js";

/** The process's side of a session. */
export interface JoinedProcess {
  readonly stream: HijackedStream;
  resize(size: TerminalSize): Promise<void>;
  /** Whether the end of the client's input is typed, as Ctrl-D, and not the end of the stream. */
  readonly typed: boolean;
}

/**
 * Joins a client's session with a process: output until its end, input as long as both sides
 * have one, sizes as they come. Nothing is read from the process that the client does not take.
 *
 * @throws The error of the output or the session's reason when it was aborted.
 */
export async function joinStreams(
  session: SessionStreams,
  { stream, resize, typed }: JoinedProcess,
): Promise<void> {
  const { stdin, stdout, stderr, signal } = session;
  if (stdin !== null && stream.stdin !== null) joinInput(stdin, stream.stdin, typed);
  void followSizes(session, resize);
  await Promise.all([copyOutput(stream.stdout, stdout), copyOutput(stream.stderr, stderr)]);
  signal.throwIfAborted();
}

/** A process may end while its client still types, which is nobody's error. */
function joinInput(from: Readable, to: Writable, typed: boolean): void {
  const source = typed ? from.pipe(createTypist()) : from;
  source.pipe(to, { end: !typed });
  to.once("close", () => {
    source.unpipe(to);
    source.resume();
  });
  // A vanished client is told by the session's signal. A half-close reaches the process by pipe().
  from.on("error", () => undefined);
}

async function copyOutput(from: Readable, to: Writable | null): Promise<void> {
  if (to !== null) {
    await pipeline(from, to);
    return;
  }
  from.resume();
  if (!from.readableEnded) {
    await new Promise<void>((resolve, reject) => {
      from.once("end", resolve);
      from.once("error", reject);
      from.once("close", resolve);
    });
  }
}

/** Only a process that has ended, or is about to, refuses a size: that is no reason to fail. */
async function followSizes(
  { resize: sizes, signal }: SessionStreams,
  resize: (size: TerminalSize) => Promise<void>,
): Promise<void> {
  for await (const size of sizes) {
    // Some clients say 0×0 while they have no terminal.
    if (size.width === 0 || size.height === 0) continue;
    await resize(size).catch(() => undefined);
    if (signal.aborted) return;
  }
}
