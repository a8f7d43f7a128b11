import type { RequestOptions } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { requestUpgrade, spdyHeaders } from "../src/request-upgrade.js";
import { SpdyConnection } from "../src/spdy-connection.js";
import type { SpdyStream } from "../src/spdy-stream.js";

/** A connection whose upgrade succeeded, before any frame. */
export async function dialRaw(
  url: string,
  protocols: string[],
  options: RequestOptions = {},
): Promise<Socket> {
  const result = await requestUpgrade(url, spdyHeaders(protocols), options);
  if (!("socket" in result)) throw new Error(`refused with ${result.status}: ${result.body}`);
  if (result.head.length > 0) result.socket.unshift(result.head);
  return result.socket;
}

/** The client side of a SPDY connection. */
export interface SpdyClient {
  readonly socket: Duplex;
  readonly connection: SpdyConnection;
  readonly closed: Promise<void>;
}

export async function dialSpdy(
  url: string,
  protocols: string[] = ["v4.channel.k8s.io"],
  options: RequestOptions = {},
): Promise<SpdyClient> {
  return spdyOver(await dialRaw(url, protocols, options));
}

/** Speaks SPDY as a client over an open socket or tunnel. */
export function spdyOver(socket: Duplex): SpdyClient {
  const { promise, resolve } = Promise.withResolvers<void>();
  const connection = new SpdyConnection(socket, {
    role: "client",
    idleTimeoutMs: 0,
    maxStreams: 0,
    receiveBufferBytes: 64 * 1024,
    onClosed: resolve,
  });
  return { socket, connection, closed: promise };
}

/** The streams of an exec or attach session, opened in the order of client-go. */
export async function openTerminal<Name extends string>(
  client: SpdyClient,
  types: readonly Name[],
): Promise<Record<Name | "error", SpdyStream>> {
  const streams: Record<string, SpdyStream> = {};
  for (const streamtype of ["error", ...types]) {
    streams[streamtype] = await client.connection.openStream({ streamtype });
  }
  return streams as Record<Name | "error", SpdyStream>;
}

/** The two streams of one forwarded connection. */
export async function openForward(
  client: SpdyClient,
  port: number,
  requestid: string,
): Promise<{ error: SpdyStream; data: SpdyStream }> {
  const headers = { port: String(port), requestid };
  const error = await client.connection.openStream({ streamtype: "error", ...headers });
  error.end();
  const data = await client.connection.openStream({ streamtype: "data", ...headers });
  return { error, data };
}
