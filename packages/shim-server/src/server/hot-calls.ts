import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { HotCall } from "../messages/encoded.js";
import { maxMessageBytes } from "../messages/message-size.js";
import type { Tracing } from "../observed/tracing.js";
import { ShimError } from "../shim-error.js";
import type { CallLog } from "./call-log.js";
import { toConnectError } from "./error-mapping.js";

/** Answers a stream if it is a hot call. @returns False when somebody else has to. */
export type HotCalls = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

export interface HotCallsOptions {
  /** By HTTP path, `/runtime.v1.RuntimeService/ListContainers`. */
  readonly calls: ReadonlyMap<string, HotCall>;
  /** Whether memory is current; if not, the ordinary handlers wait for it or say why not. */
  readonly current: () => boolean;
  readonly log: CallLog;
  /** Undefined when it is not configured. */
  readonly tracing?: Tracing | undefined;
}

/** Length-prefixed message of gRPC: a byte for compression and four for the length. */
const prefixBytes = 5;

/** The requests of hot calls are an id or a filter; one that is larger is not ours. */
const maxRequestBytes = 64 * 1024;

/** A single part that is larger is sent as it is, and not copied behind the prefix. */
const mostCopiedBytes = 64 * 1024;

const replyHeaders = { ":status": 200, "content-type": "application/grpc+proto" };
const replyOptions = { waitForTrailers: true };
const okTrailers = { "grpc-status": "0" };
const never = new AbortController().signal;

/**
 * Answers the calls that a kubelet repeats for ever ahead of the RPC framework.
 *
 * The framework costs several times what the answer does. Errors are mapped and logged as
 * everywhere. The deadline needs no timer: mostly the answer is given within the same turn of the
 * event loop as the request is complete, and never does it wait for anything but its turn.
 */
export function createHotCalls({ calls, current, log, tracing }: HotCallsOptions): HotCalls {
  function answer(
    stream: ServerHttp2Stream,
    path: string,
    call: HotCall["reply"],
    body: Buffer | undefined,
    headers: IncomingHttpHeaders,
  ): void {
    const started = performance.now();
    const name = path.slice(path.lastIndexOf("/") + 1);

    function fail(reason: unknown): void {
      if (isGone(stream)) return;
      const err = toConnectError(reason, never);
      log.failed(name, started, err);
      tracing?.answered(path, traceParentOf(headers), performance.now() - started, err);
      stream.respond(
        {
          ...replyHeaders,
          "grpc-status": String(err.code),
          "grpc-message": encodeURIComponent(err.rawMessage),
        },
        { endStream: true },
      );
    }

    function send(parts: readonly Uint8Array[]): void {
      if (isGone(stream)) return;
      const [first, rest] = frame(parts);
      stream.respond(replyHeaders, replyOptions);
      stream.once("wantTrailers", () => stream.sendTrailers(okTrailers));
      if (rest !== undefined) stream.write(first);
      stream.end(rest ?? first);
      log.succeeded(name, started);
      tracing?.answered(path, traceParentOf(headers), performance.now() - started);
    }

    try {
      const reply = call(unframe(body));
      if (reply instanceof Promise) reply.then(send).catch(fail);
      else send(reply);
    } catch (reason) {
      fail(reason);
    }
  }

  return (stream, headers) => {
    const path = headers[":path"];
    const call = typeof path === "string" ? calls.get(path) : undefined;
    if (call === undefined || path === undefined || !isPlainGrpc(headers) || !current()) {
      return false;
    }
    if (call.when?.() === false) return false;
    // A client that resets its call is the client's business.
    stream.on("error", () => undefined);
    const chunks: Buffer[] = [];
    let size = 0;
    stream.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxRequestBytes) chunks.push(chunk);
    });
    stream.on("end", () => {
      if (isGone(stream)) return;
      const body = size <= maxRequestBytes ? Buffer.concat(chunks) : undefined;
      answer(stream, path, call.reply, body, headers);
    });
    return true;
  };
}

function traceParentOf({ traceparent }: IncomingHttpHeaders): string | undefined {
  return typeof traceparent === "string" ? traceparent : undefined;
}

function isPlainGrpc(headers: IncomingHttpHeaders): boolean {
  const type = headers["content-type"];
  const encoding = headers["grpc-encoding"];
  return (
    headers[":method"] === "POST" &&
    (type === "application/grpc" || type === "application/grpc+proto") &&
    (encoding === undefined || encoding === "identity")
  );
}

/** @param body Undefined for one that was too large to keep. */
function unframe(body: Buffer | undefined): Uint8Array {
  if (body === undefined) {
    throw new ShimError("resource_exhausted", `the request has more than ${maxRequestBytes} bytes`);
  }
  if (body.length < prefixBytes || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5) {
    throw new ShimError("invalid_argument", "the request is not one uncompressed gRPC message");
  }
  return body.subarray(prefixBytes);
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.closed || stream.destroyed;
}

/** Puts the gRPC prefix before a message that is given in parts. @returns One chunk, or two. */
function frame(parts: readonly Uint8Array[]): readonly [Uint8Array, Uint8Array?] {
  let length = 0;
  for (const part of parts) length += part.length;
  if (length > maxMessageBytes) {
    throw new ShimError(
      "resource_exhausted",
      `the reply has ${length} bytes, more than gRPC's ${maxMessageBytes}; use the streaming call`,
    );
  }
  const apart = parts.length === 1 && length > mostCopiedBytes ? parts[0] : undefined;
  const framed = Buffer.allocUnsafe(prefixBytes + (apart === undefined ? length : 0));
  framed[0] = 0;
  framed.writeUInt32BE(length, 1);
  if (apart !== undefined) return [framed, apart];
  let offset = prefixBytes;
  for (const part of parts) {
    framed.set(part, offset);
    offset += part.length;
  }
  return [framed];
}
