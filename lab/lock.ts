import { createHash } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { LabError } from "./lab-error.ts";

/**
 * A lock is an abstract unix socket that its holder listens on: the kernel gives the name to one process
 * only and takes it back when that process dies, so no lock is ever left behind.
 */
function tryListen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

/** Waits until the holder lets go: our connection to it closes at that moment. */
function holderGone(path: string, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new LabError("host", "another run of the lab holds its lock for too long"));
    }, milliseconds);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume();
  });
}

/** Runs `work` while no other process holds the lock `name`; waits for it ten minutes at most. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const path = `\0dockershim-lab:${createHash("sha256").update(name).digest("hex")}`;
  const end = Date.now() + 600_000;
  let server = await tryListen(path);
  while (server === undefined) {
    await holderGone(path, Math.max(1, end - Date.now()));
    server = await tryListen(path);
  }
  const waiting = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => {
    waiting.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => waiting.delete(socket));
  });
  try {
    return await work();
  } finally {
    // The name is free as soon as the server is closed; only then are the waiters woken.
    server.close();
    for (const socket of waiting) socket.destroy();
  }
}
