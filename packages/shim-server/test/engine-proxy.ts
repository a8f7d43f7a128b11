import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

/** A reply of the engine, read to its end. */
export interface EngineReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A request of the daemon to the engine, held until it is said what becomes of it. */
export interface HeldRequest {
  readonly method: string;
  /** As `POST /containers/ID/start`. */
  readonly shape: string;
  /** Whether its reply has no end: events, and connections that are taken over. */
  readonly endless: boolean;
  /** Passes it on, and its reply back as it comes. */
  pass(moments?: PassMoments): void;
  /** Has the engine answer it, and tells nobody. */
  ask(): Promise<EngineReply>;
  /** Answers it. @param bytes How many of the body; fewer than there are break the connection after them. */
  answer(reply: EngineReply, bytes?: number): void;
  /** Breaks its connection. */
  drop(): void;
}

/** What is told of a request that was passed on. */
export interface PassMoments {
  /** It has been sent. */
  readonly onSent?: () => void;
  /** Its reply has been passed back. */
  readonly onReplied?: () => void;
}

/** Stands between a daemon and the engine. */
export interface EngineProxy {
  readonly endpoint: string;
  close(): Promise<void>;
}

/**
 * @param engine The engine's socket.
 * @param socket Where to listen.
 * @param handle Says what becomes of each request.
 */
export async function startEngineProxy(
  engine: string,
  socket: string,
  handle: (held: HeldRequest) => void,
): Promise<EngineProxy> {
  const server = createServer(
    (message, response) => void hold(engine, message, response).then(handle, () => undefined),
  );
  const upgraded = new Set<Duplex>();
  server.on("upgrade", (message, connection, head) => {
    upgraded.add(connection);
    connection.on("error", () => undefined);
    connection.on("close", () => upgraded.delete(connection));
    handle(holdUpgrade(engine, message, connection, head));
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    endpoint: `unix://${socket}`,
    async close() {
      server.closeAllConnections();
      for (const connection of upgraded) connection.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function hold(
  engine: string,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<HeldRequest> {
  const { method = "", url = "", headers } = message;
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const body = Buffer.concat(chunks);

  function send(onReply: (reply: IncomingMessage) => void, onError: () => void) {
    const passed = request({ socketPath: engine, method, path: url, headers }, onReply);
    passed.on("error", onError);
    // As when the daemon's own connection goes with it.
    response.on("close", () => passed.destroy());
    passed.end(body);
    return passed;
  }

  return {
    method,
    shape: shapeOf(method, url),
    endless: /^\/(?:v[\d.]+\/)?events/.test(url),
    pass({ onSent, onReplied } = {}) {
      const passed = send(
        (reply) => {
          response.writeHead(reply.statusCode ?? 502, reply.headers);
          // Events have a head long before they have a body.
          response.flushHeaders();
          reply.on("error", () => response.destroy());
          reply.pipe(response);
        },
        () => response.destroy(),
      );
      if (onSent !== undefined) passed.on("finish", onSent);
      if (onReplied !== undefined) response.on("finish", onReplied);
    },
    ask: () =>
      new Promise((resolve, reject) => {
        send(
          (reply) => {
            const parts: Buffer[] = [];
            reply.on("data", (part: Buffer) => parts.push(part));
            reply.on("error", reject);
            reply.on("end", () => {
              const { "transfer-encoding": _chunked, ...rest } = reply.headers;
              resolve({
                status: reply.statusCode ?? 502,
                headers: rest as Record<string, string>,
                body: Buffer.concat(parts),
              });
            });
          },
          reject as () => void,
        );
      }),
    answer({ status, headers: told, body: content }, bytes = content.length) {
      response.writeHead(status, { ...told, "content-length": content.length });
      if (bytes >= content.length) response.end(content);
      else response.write(content.subarray(0, bytes), () => response.destroy());
    },
    drop: () => void response.destroy(),
  };
}

function holdUpgrade(
  engine: string,
  { method = "", url = "", rawHeaders }: IncomingMessage,
  connection: Duplex,
  head: Buffer,
): HeldRequest {
  return {
    method,
    shape: shapeOf(method, url),
    endless: true,
    pass() {
      const passed = connect(engine);
      const lines = [`${method} ${url} HTTP/1.1`];
      for (let at = 0; at < rawHeaders.length; at += 2) {
        lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
      }
      passed.write(`${lines.join("\r\n")}\r\n\r\n`);
      passed.write(head);
      for (const end of [passed, connection]) {
        end.on("error", () => undefined);
        end.on("close", () => {
          passed.destroy();
          connection.destroy();
        });
      }
      connection.pipe(passed).pipe(connection);
    },
    ask: () => Promise.reject(new Error("its reply has no end")),
    answer({ status, body }) {
      connection.end(
        `HTTP/1.1 ${status} Answered\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    },
    drop: () => void connection.destroy(),
  };
}

function shapeOf(method: string, url: string): string {
  const path = (url.split("?", 1)[0] ?? "").replace(/^\/v\d+\.\d+/, "");
  return `${method} ${path.replace(/[\da-f]{64}/, "ID")}`;
}
