import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** When the daemon is killed over a request: before it is passed on, with it on its way, after its reply. */
export const killWays = ["before", "with", "after"] as const;
export type KillWay = (typeof killWays)[number];

/** Stands between a daemon and the engine, and counts what the daemon asks it to change. */
export interface EngineProxy {
  readonly endpoint: string;
  /** Requests that change something, as `POST /containers/ID/start`, since the last {@link EngineProxy.forget}. */
  readonly steps: readonly string[];
  /** Begins to count anew, and kills nobody. */
  forget(): void;
  /** Has the daemon killed over the step of this index. */
  planKill(index: number, way: KillWay): void;
  close(): Promise<void>;
}

/**
 * @param engine The engine's socket.
 * @param socket Where to listen.
 * @param kill Kills the daemon, and resolves when it is dead.
 */
export async function startEngineProxy(
  engine: string,
  socket: string,
  kill: () => Promise<void>,
): Promise<EngineProxy> {
  let steps: string[] = [];
  let plan: { index: number; way: KillWay } | undefined;

  /** How the daemon is killed over this request. */
  function planned(message: IncomingMessage): KillWay | undefined {
    if (message.method === "GET" || message.method === "HEAD") return undefined;
    steps.push(`${message.method} ${shapeOf(message.url ?? "")}`);
    return plan?.index === steps.length - 1 ? plan.way : undefined;
  }

  async function pass(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const way = planned(message);
    if (way === "before") return await kill();
    const { method, url, headers } = message;
    const passed = request({ socketPath: engine, method, path: url, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      // Events have a head long before they have a body.
      response.flushHeaders();
      reply.pipe(response);
    });
    passed.on("error", () => response.destroy());
    // As when the daemon's own connection goes with it.
    response.on("close", () => passed.destroy());
    if (way === "with") passed.on("finish", () => void kill());
    if (way === "after") response.on("finish", () => void kill());
    message.pipe(passed);
  }

  const server = createServer((message, response) => void pass(message, response));
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    endpoint: `unix://${socket}`,
    get steps() {
      return steps;
    },
    forget() {
      steps = [];
      plan = undefined;
    },
    planKill(index, way) {
      plan = { index, way };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function shapeOf(url: string): string {
  const path = (url.split("?", 1)[0] ?? "").replace(/^\/v\d+\.\d+/, "");
  return path.replace(/[\da-f]{64}/, "ID");
}
