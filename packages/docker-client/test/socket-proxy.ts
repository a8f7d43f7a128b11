import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Stands between a client and an engine; counts connections, and cuts them. */
export interface SocketProxy {
  endpoint: string;
  /** Connections accepted so far. */
  accepted: number;
  /** Connections open now. */
  open(): number;
  /** Cuts all that are open. */
  cut(): void;
  /** Resolves when none is open. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function startSocketProxy(target: string): Promise<SocketProxy> {
  const folder = await mkdtemp(join(tmpdir(), "socket-proxy-"));
  const path = join(folder, "docker.sock");
  const sockets = new Set<Socket>();
  let waiters: (() => void)[] = [];
  const proxy: SocketProxy = {
    endpoint: `unix://${path}`,
    accepted: 0,
    open: () => sockets.size,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    idle: () =>
      new Promise((resolve) => {
        waiters.push(resolve);
        wake();
      }),
    async close() {
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };

  function wake(): void {
    if (sockets.size === 0) {
      for (const waiter of waiters) waiter();
      waiters = [];
    }
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    proxy.accepted++;
    sockets.add(client);
    const engine = connect({ path: target.replace(/^unix:\/\//, ""), allowHalfOpen: true });
    const gone = () => {
      client.destroy();
      engine.destroy();
      sockets.delete(client);
      wake();
    };
    for (const socket of [client, engine]) {
      socket.on("error", gone);
      socket.on("close", gone);
    }
    client.pipe(engine);
    engine.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return proxy;
}
