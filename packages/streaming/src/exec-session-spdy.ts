import type { Duplex } from "node:stream";
import { StreamingError } from "./errors.js";
import { runSession, type SessionTransport, type TerminalRequest } from "./exec-session.js";
import { ResizeQueue, readResizeEvents } from "./resize.js";
import type { SessionContext } from "./session-registry.js";
import { SpdyConnection } from "./spdy-connection.js";
import type { SpdyStream } from "./spdy-stream.js";
import { encodeStatus, type StatusFormat } from "./status.js";

/** Exec and attach need five streams at most; a few more may be opened for nothing. */
const maxStreams = 16;
/** Input that the process did not read yet. */
const receiveBufferBytes = 256 * 1024;

/** Serves an exec or attach session on an upgraded connection; resolves when all of it is over. */
export async function serveTerminalSpdy(
  socket: Duplex,
  protocol: string,
  request: TerminalRequest,
  context: SessionContext,
): Promise<void> {
  const statusFormat: StatusFormat = protocol === "v4.channel.k8s.io" ? "json" : "text";
  const wanted = wantedStreams(request, protocol);
  const arrived = new Map<string, SpdyStream>();
  const resize = new ResizeQueue();
  const abort = new AbortController();
  const closed = Promise.withResolvers<void>();
  let running: Promise<void> = Promise.resolve();
  let runtimeDone = false;

  const connection = new SpdyConnection(socket, {
    role: "server",
    idleTimeoutMs: context.idleTimeoutMs,
    maxStreams,
    receiveBufferBytes,
    acceptStream: (headers) => !arrived.has(headers.get("streamtype")?.[0] ?? ""),
    onStream,
    onEnd(reason) {
      clearTimeout(creationTimer);
      resize.end();
      if (!runtimeDone && reason !== null) abort.abort(reason);
      context.log.debug("terminal session ended", { kind: request.kind, reason: reason?.message });
    },
    onClosed: closed.resolve,
  });
  const creationTimer = setTimeout(giveUp, context.streamCreationTimeoutMs);
  const leave = context.registry.add({
    streams: () => connection.streamCount,
    forwards: () => 0,
    bufferedBytes: () => connection.receiveBudget.bytes,
    end: (reason) => connection.close(reason),
  });

  function onStream(stream: SpdyStream): void {
    const type = stream.header("streamtype") ?? "";
    if (!wanted.has(type)) {
      // As the reference does, unknown streams are accepted and ignored.
      stream.resume();
      return;
    }
    arrived.set(type, stream);
    if (arrived.size === wanted.size) {
      clearTimeout(creationTimer);
      running = start();
    }
  }

  async function start(): Promise<void> {
    const error = arrived.get("error");
    if (error === undefined) return;
    const stdout = arrived.get("stdout") ?? null;
    const stderr = arrived.get("stderr") ?? null;
    for (const outputOnly of [error, stdout, stderr]) outputOnly?.resume();
    const resizeStream = arrived.get("resize");
    if (resizeStream !== undefined) readResizeEvents(resizeStream, resize);
    const transport: SessionTransport = {
      stdin: arrived.get("stdin") ?? null,
      stdout,
      stderr,
      error,
      resize,
      statusFormat,
      signal: abort.signal,
      runtimeDone() {
        runtimeDone = true;
      },
    };
    await runSession(context.runtime, request, transport);
    connection.close();
  }

  function giveUp(): void {
    const reason = new StreamingError("timeout", "timed out waiting for client to create streams");
    const error = arrived.get("error");
    if (error === undefined) {
      connection.close(reason);
      return;
    }
    const status = encodeStatus({ error: reason }, statusFormat, "error creating streams");
    error.end(status, () => connection.close(reason));
  }

  await closed.promise;
  await running;
  leave();
}

/** The streams the client has to open, after the request as it was stored. */
function wantedStreams(request: TerminalRequest, protocol: string): Set<string> {
  const wanted = new Set(["error"]);
  for (const type of ["stdin", "stdout", "stderr"] as const) {
    if (request[type]) wanted.add(type);
  }
  if (request.tty && (protocol === "v4.channel.k8s.io" || protocol === "v3.channel.k8s.io")) {
    wanted.add("resize");
  }
  return wanted;
}
