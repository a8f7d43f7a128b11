import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import {
  type ConnectRouter,
  type ConnectRouterOptions,
  createConnectRouter,
} from "@connectrpc/connect";
import {
  compressionBrotli,
  compressionGzip,
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Logger } from "pino";

/**
 * Hands requests of Node's HTTP/2 server to the RPC framework; what has no route is 404.
 *
 * The framework's own adapter does the same, but writes what goes wrong beside a handler to stderr, many lines for
 * each call that a client leaves, and lets a request that it cannot make a URL of end the process.
 */
export function createFrameworkHandler(
  options: ConnectRouterOptions,
  routes: (router: ConnectRouter) => void,
  log: Pick<Logger, "debug">,
): (request: Http2ServerRequest, response: Http2ServerResponse) => Promise<void> {
  const acceptCompression = [compressionGzip, compressionBrotli];
  const router = createConnectRouter({ acceptCompression, ...options });
  routes(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return async (request, response) => {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const handle = handlers.get(path);
    if (handle === undefined) {
      response.writeHead(404).end();
      return;
    }
    try {
      const asked = universalRequestFromNodeRequest(request, response, undefined, undefined);
      await universalResponseToNodeResponse(await handle(asked), response);
    } catch (err) {
      // Calls that fail are logged where they do: this one's client has left, or was never one of gRPC.
      log.debug({ err, path }, "a reply did not reach its client");
      response.stream?.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
  };
}
