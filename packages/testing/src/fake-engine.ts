import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A request as it arrived, with the version prefix taken off its path. */
export interface SeenRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  version: string | undefined;
  request: IncomingMessage;
}

/** An HTTP server on a unix socket that answers like an engine, or as badly as a test wants. */
export interface FakeEngine {
  endpoint: string;
  /** Highest API version it claims; may be changed while it runs. */
  apiVersion: string;
  minApiVersion: string;
  requests: SeenRequest[];
  /** Connections accepted so far. */
  accepted: number;
  sockets: Set<Socket>;
  /** Leaves pings unanswered. */
  mutePing: boolean;
  /** Answers everything but `/version` and `/_ping`. */
  handle: (seen: SeenRequest, response: ServerResponse) => void;
  /** Answers requests that wait for a `100 Continue`, in place of sending one and `handle`. */
  expect: ((seen: SeenRequest, response: ServerResponse) => void) | undefined;
  /** Answers requests to take the connection over. */
  upgrade: (seen: SeenRequest, socket: Socket) => void;
  /** Resolves when there is no connection left. */
  idle(): Promise<void>;
  /** Resolves with the next request whose path matches. */
  nextRequest(path: RegExp): Promise<SeenRequest>;
  close(): Promise<void>;
}

export async function startFakeEngine(
  start: Partial<Pick<FakeEngine, "apiVersion" | "minApiVersion" | "handle" | "upgrade">> = {},
): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), "fake-engine-"));
  const socketPath = join(folder, "docker.sock");
  let idleWaiters: (() => void)[] = [];
  let requestWaiters: { path: RegExp; resolve: (seen: SeenRequest) => void }[] = [];

  const engine: FakeEngine = {
    endpoint: `unix://${socketPath}`,
    apiVersion: "1.41",
    minApiVersion: "1.12",
    requests: [],
    accepted: 0,
    sockets: new Set(),
    mutePing: false,
    expect: undefined,
    handle: (_seen, response) => json(response, 404, { message: "page not found" }),
    upgrade: (_seen, socket) => socket.destroy(),
    idle: () =>
      new Promise((resolve) => {
        idleWaiters.push(resolve);
        wakeIdle();
      }),
    nextRequest: (path) => new Promise((resolve) => requestWaiters.push({ path, resolve })),
    async close() {
      for (const socket of engine.sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
    ...start,
  };

  function wakeIdle(): void {
    if (engine.sockets.size === 0) {
      for (const wake of idleWaiters.splice(0)) wake();
      idleWaiters = [];
    }
  }

  function note(request: IncomingMessage): SeenRequest {
    const url = new URL(request.url ?? "/", "http://engine");
    const match = /^\/v(\d+\.\d+)(\/.*)$/.exec(url.pathname);
    const seen = {
      method: request.method ?? "",
      path: match?.[2] ?? url.pathname,
      query: url.searchParams,
      version: match?.[1],
      request,
    };
    engine.requests.push(seen);
    requestWaiters = requestWaiters.filter(({ path, resolve }) => {
      if (path.test(seen.path)) {
        resolve(seen);
        return false;
      }
      return true;
    });
    return seen;
  }

  const server = createServer((request, response) => {
    const seen = note(request);
    response.setHeader("Api-Version", engine.apiVersion);
    if (seen.version !== undefined && seen.version !== engine.apiVersion) {
      if (Number(seen.version.split(".")[1]) > Number(engine.apiVersion.split(".")[1])) {
        json(response, 400, {
          message: `client version ${seen.version} is too new. Maximum supported API version is ${engine.apiVersion}`,
        });
        return;
      }
    }
    if (seen.path === "/version") {
      json(response, 200, {
        Version: "fake",
        Arch: "amd64",
        ApiVersion: engine.apiVersion,
        MinAPIVersion: engine.minApiVersion,
      });
    } else if (seen.path === "/_ping" && !engine.mutePing) {
      response.end("OK");
    } else if (seen.path !== "/_ping") {
      engine.handle(seen, response);
    }
  });
  // Docker's engine does not close idle connections either.
  server.keepAliveTimeout = 0;
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    if (engine.expect === undefined) {
      response.writeContinue();
      server.emit("request", request, response);
    } else {
      engine.expect(note(request), response);
    }
  });
  server.on("upgrade", (request, socket: Socket) => {
    socket.on("error", () => undefined);
    engine.upgrade(note(request), socket);
  });
  server.on("connection", (socket) => {
    engine.accepted++;
    engine.sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      engine.sockets.delete(socket);
      wakeIdle();
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return engine;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Takes the connection over as the engine does. */
export function acceptUpgrade(socket: Socket): void {
  socket.write(
    "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
  );
}

/** A frame of multiplexed output. */
export function frame(stream: number, text: string | Buffer): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}
