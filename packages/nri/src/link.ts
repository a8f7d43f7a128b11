import type { Duplex } from "node:stream";
import { multiplex } from "./mux.js";
import type { NriError } from "./nri-error.js";
import { createTtrpcClient, type TtrpcClient } from "./ttrpc-client.js";
import { serveTtrpc, type TtrpcMethod } from "./ttrpc-server.js";

/** One side of a socket over which a plugin and a runtime call each other. */
export interface Link {
  readonly call: TtrpcClient["call"];
  /** Ends the socket; calls under way fail with the reason. */
  end(reason: NriError): void;
  /** Resolves with why, once the socket has ended by either side. Never rejects. */
  readonly ended: Promise<NriError>;
}

/**
 * Joins the two directions of a socket.
 *
 * @param callOver The connection of our calls.
 * @param serveOver The connection of the peer's calls.
 * @param methods What the peer can call.
 */
export function openLink(
  socket: Duplex,
  callOver: number,
  serveOver: number,
  methods: readonly TtrpcMethod[],
): Link {
  const mux = multiplex(socket);
  const outgoing = mux.open(callOver, (piece) => client.receive(piece));
  const client = createTtrpcClient(outgoing.send);
  const incoming = mux.open(serveOver, (piece) => serve(piece));
  const serve = serveTtrpc(incoming.send, methods);
  void mux.ended.then((reason) => client.fail(reason));
  return { call: client.call, end: mux.end, ended: mux.ended };
}
