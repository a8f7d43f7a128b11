import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { ShimError } from "../shim-error.js";

/**
 * Turns a CRI endpoint into the path of its socket.
 *
 * @param endpoint `unix:///path`, or the absolute path alone; checked with the other options.
 */
export function socketPath(endpoint: string): string {
  return endpoint.replace(/^unix:\/\//, "");
}

/**
 * Listens on a unix socket that only its owner may use (0600).
 *
 * A socket file that nobody answers is left over from a daemon that was killed: it is replaced.
 *
 * @throws ShimError `failed_precondition` when another process answers there, or when the path is
 * something else than a socket.
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await clearStaleSocket(path);
  // The mask covers the moment between bind and chmod. The file is made within listen().
  const mask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } finally {
    process.umask(mask);
  }
  await chmod(path, 0o600);
}

async function clearStaleSocket(path: string): Promise<void> {
  const file = await lstat(path).catch(() => undefined);
  if (file === undefined) return;
  if (!file.isSocket()) {
    throw new ShimError("failed_precondition", `listen: ${path} exists and is not a socket`);
  }
  if (await answers(path)) {
    throw new ShimError("failed_precondition", `listen: another process serves on ${path}`);
  }
  await unlink(path);
}

async function answers(path: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const probe = connect(path);
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (err: NodeJS.ErrnoException) => {
      if (err.code === "ECONNREFUSED" || err.code === "ENOENT") resolve(false);
      else reject(err);
    });
  });
}
