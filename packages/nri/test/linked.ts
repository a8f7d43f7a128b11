import { duplexPair } from "node:stream";
import { multiplex } from "../src/mux.js";
import { createTtrpcClient, type TtrpcClient } from "../src/ttrpc-client.js";
import { serveTtrpc, type TtrpcMethod } from "../src/ttrpc-server.js";

/** A client and a server of ttrpc at the two ends of one socket. */
export function linked(methods: readonly TtrpcMethod[]): { client: TtrpcClient; end(): void } {
  const [left, right] = duplexPair();
  const [clientSide, serverSide] = [multiplex(left), multiplex(right)];
  let client: TtrpcClient;
  const toServer = clientSide.open(1, (piece) => client.receive(piece));
  client = createTtrpcClient(toServer.send);
  void clientSide.ended.then((reason) => client.fail(reason));
  let receive: (piece: Uint8Array) => void;
  const toClient = serverSide.open(1, (piece) => receive(piece));
  receive = serveTtrpc(toClient.send, methods);
  return { client, end: () => right.destroy() };
}
