import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Logger } from "pino";
import { ShimError } from "../shim-error.js";
import type { ShimMetrics } from "./shim-metrics.js";

/** What the operations server tells. */
export interface OperationsParts {
  readonly metrics: Pick<ShimMetrics, "render" | "contentType">;
  /** Why the daemon cannot serve pods now; empty when it can. */
  unready(): Promise<readonly string[]>;
  readonly log: Logger;
}

export interface OperationsServer {
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, `/healthz` and `/readyz` on `--metrics-bind-addr`. It has no authentication,
 * as is usual for these on a loopback address.
 *
 * @param address `host:port`, with brackets around an IPv6 host; no host means all addresses.
 * @throws ShimError `invalid_argument` for what is no such address, `failed_precondition` when it
 * cannot be had.
 */
export async function serveOperations(
  address: string,
  parts: OperationsParts,
): Promise<OperationsServer> {
  const { host, port } = parseAddress(address);
  const server = createServer((request, response) => {
    answer(request, response, parts).catch((err) => {
      parts.log.warn({ err }, "could not answer a request for metrics or health");
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const why = `metrics-bind-addr: cannot listen on ${address}: ${cause.message}`;
      reject(new ShimError("failed_precondition", why, { cause }));
    });
    server.listen({ port, ...(host === "" ? {} : { host }) }, resolve);
  });
  parts.log.info({ address: server.address() }, "metrics and health are served");
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { metrics, unready }: OperationsParts,
): Promise<void> {
  const reply = (status: number, body: string, type = "text/plain; charset=utf-8"): void => {
    response.writeHead(status, { "content-type": type });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    reply(405, "only GET and HEAD\n");
    return;
  }
  switch ((request.url ?? "").split("?", 1)[0]) {
    case "/metrics":
      reply(200, await metrics.render(), metrics.contentType);
      return;
    case "/healthz":
      // That an answer comes is the answer: it comes from the loop that serves CRI.
      reply(200, "ok\n");
      return;
    case "/readyz": {
      const reasons = await unready();
      if (reasons.length === 0) reply(200, "ok\n");
      else reply(503, `${reasons.join("\n")}\n`);
      return;
    }
    default:
      reply(404, "there are /metrics, /healthz and /readyz\n");
  }
}

function parseAddress(address: string): { host: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) {
    throw new ShimError("invalid_argument", `metrics-bind-addr: "${address}" is not host:port`);
  }
  return { host: bracketed ?? plain ?? "", port };
}
