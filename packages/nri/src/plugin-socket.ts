import { chmod, mkdir, unlink } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { NriError } from "./nri-error.js";

/** A socket that plugins connect to. */
export interface PluginSocket {
  /** Listens no longer, removes the file, and ends what is connected. */
  close(): Promise<void>;
}

/**
 * Listens where plugins connect. Only the owner of this process can: a plugin decides what runs on
 * the node.
 *
 * @throws NriError `socket_in_use` when something else answers there, such as containerd's own NRI.
 */
export async function listenForPlugins(
  path: string,
  onPlugin: (socket: Socket) => void,
): Promise<PluginSocket> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (await answers(path)) {
    throw new NriError("socket_in_use", `${path}: another runtime serves NRI here`);
  }
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    onPlugin(socket);
  });
  const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(path, resolve);
  await listening;
  await chmod(path, 0o600);
  return {
    async close() {
      const closed = new Promise<void>((done) => void server.close(() => done()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Whether somebody listens; a file that nobody listens on any more is removed. */
async function answers(path: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const probe = connect(path, () => resolve(true));
  probe.on("error", (err: NodeJS.ErrnoException) => {
    if (err.code === "ENOENT") resolve(false);
    else if (err.code === "ECONNREFUSED") unlink(path).then(() => resolve(false), reject);
    else reject(err);
  });
  try {
    return await promise;
  } finally {
    probe.destroy();
  }
}
