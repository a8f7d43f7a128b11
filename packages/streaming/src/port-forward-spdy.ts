import type { Duplex } from "node:stream";
import { StreamingError } from "./errors.js";
import { forwardPort } from "./port-forward.js";
import type { SessionContext } from "./session-registry.js";
import { SpdyConnection } from "./spdy-connection.js";
import type { SpdyHeaders } from "./spdy-headers.js";
import type { SpdyStream } from "./spdy-stream.js";
import { isPort } from "./stream-requests.js";

/** Two streams for each TCP connection of the client. */
const maxStreams = 4096;
/** All connections share the socket, so one that is not read may hold up the others later. */
const receiveBufferBytes = 4 * 1024 * 1024;
/** How long a client may leave a stream half open after the forward is done. */
const lingerMs = 10_000;

/** The streams of one request id, until both are there. */
interface StreamPair {
  error?: SpdyStream;
  data?: SpdyStream;
  readonly timer: NodeJS.Timeout;
}

/**
 * Serves `portforward.k8s.io` on an upgraded connection (or a tunnel) until the client closes
 * it; resolves when every forward is over, too.
 */
export async function servePortForwardSpdy(
  socket: Duplex,
  podSandboxId: string,
  context: SessionContext,
): Promise<void> {
  const pairs = new Map<string, StreamPair>();
  const forwards = new Set<Promise<void>>();
  const closed = Promise.withResolvers<void>();

  const connection = new SpdyConnection(socket, {
    role: "server",
    idleTimeoutMs: context.idleTimeoutMs,
    maxStreams,
    receiveBufferBytes,
    acceptStream: (headers) => portOf(headers) !== null && isStreamType(headers),
    onStream,
    onEnd(reason) {
      for (const pair of pairs.values()) clearTimeout(pair.timer);
      pairs.clear();
      context.log.debug("port-forward session ended", { podSandboxId, reason: reason?.message });
    },
    onClosed: closed.resolve,
  });
  const leave = context.registry.add({
    streams: () => connection.streamCount,
    forwards: () => forwards.size,
    bufferedBytes: () => connection.receiveBudget.bytes,
    end: (reason) => connection.close(reason),
  });

  function onStream(stream: SpdyStream): void {
    const type = stream.header("streamtype") === "error" ? "error" : "data";
    const requestId = requestIdOf(stream, type);
    const pair = pairs.get(requestId) ?? createPair(requestId);
    if (pair[type] !== undefined) {
      pair.error?.end(
        `error processing stream for request ${requestId}: ${type} stream already assigned`,
      );
      stream.destroy();
      return;
    }
    pair[type] = stream;
    if (pair.error !== undefined && pair.data !== undefined) {
      clearTimeout(pair.timer);
      pairs.delete(requestId);
      const forward = serve(pair.error, pair.data).finally(() => forwards.delete(forward));
      forwards.add(forward);
    }
  }

  function createPair(requestId: string): StreamPair {
    const timer = setTimeout(() => {
      pairs.delete(requestId);
      pair.error?.end(`timed out waiting for streams of request ${requestId}`);
      pair.error?.resume();
      pair.data?.destroy(new StreamingError("timeout", "timed out waiting for the error stream"));
    }, context.streamCreationTimeoutMs);
    const pair: StreamPair = { timer };
    pairs.set(requestId, pair);
    return pair;
  }

  async function serve(error: SpdyStream, data: SpdyStream): Promise<void> {
    error.resume();
    const port = portOf(data.headers) ?? 0;
    const failure = await forwardPort(context, podSandboxId, port, data);
    if (failure === null) {
      data.end();
      error.end();
      reap(data);
    } else {
      // The text has to be out before the reset, or the client does not see it.
      await new Promise<void>((resolve) => {
        error.once("close", resolve);
        error.end(failure, resolve);
      });
      data.destroy();
    }
    reap(error);
  }

  await closed.promise;
  await Promise.all(forwards);
  leave();
}

/** Discards what still comes, and resets the stream if the client does not end it. */
function reap(stream: SpdyStream): void {
  stream.resume();
  if (!stream.destroyed) {
    const timer = setTimeout(() => stream.destroy(), lingerMs);
    stream.once("close", () => clearTimeout(timer));
  }
}

function portOf(headers: SpdyHeaders): number | null {
  const text = headers.get("port")?.[0] ?? "";
  const port = /^\d+$/.test(text) ? Number(text) : 0;
  return isPort(port) ? port : null;
}

function isStreamType(headers: SpdyHeaders): boolean {
  const type = headers.get("streamtype")?.[0];
  return type === "error" || type === "data";
}

/**
 * Clients older than the `requestid` header open the error stream right before the data stream,
 * so the ids of a pair are consecutive odd numbers.
 */
function requestIdOf(stream: SpdyStream, type: "error" | "data"): string {
  const requestId = stream.header("requestid") ?? "";
  if (requestId !== "") return requestId;
  return String(type === "error" ? stream.id : stream.id - 2);
}
