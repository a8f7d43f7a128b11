import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { ReplyShape } from "./reply-shape.js";

/** A value of a query; undefined leaves it out, a list repeats it, an object is sent as JSON. */
export type QueryValue = string | number | boolean | object | undefined;

/** One request to the engine. */
export interface EngineRequest {
  /** For errors and logs, such as `containers.start`. */
  operation: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without the version. */
  path: string;
  query?: Record<string, QueryValue>;
  /** Sent as JSON. */
  body?: object;
  /** Sent as a tar, when the engine wants it. */
  upload?: Readable | Uint8Array;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
  /** What a reply in JSON has to have; one without fails. */
  shape?: ReplyShape | undefined;
  /** Longest reply that is read, in bytes. Default 256 MiB. */
  maxReplyBytes?: number | undefined;
  /** Milliseconds for all of it; `none` also takes a connection outside of the pool. */
  timeoutMs?: number | "none";
  /** Send it without a version, before one is negotiated. */
  unversioned?: boolean;
  /** Called when the engine has begun to answer with a success; not for `open` and `hijack`. */
  onHead?: (() => void) | undefined;
}

/** One header of a reply, undefined if it's absent. */
export function headerOf(response: IncomingMessage, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
