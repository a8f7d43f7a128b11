import { readFileSync, readlinkSync } from "node:fs";
import { chmod, lstat, mkdir, unlink } from "node:fs/promises";
import { connect, type ListenOptions, type Server } from "node:net";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ShimError } from "../shim-error.js";

/** Where CRI is answered: a socket that we make, or one that was passed on to this process. */
export type CriSocket = { readonly path: string } | { readonly path: string; readonly fd: number };

/** The first descriptor that systemd passes on (sd_listen_fds(3)). */
const firstPassedFd = "3";

/**
 * Turns a CRI endpoint into a socket.
 *
 * @param endpoint `unix:///path`, or the absolute path alone, or `fd://` with the number of a
 * descriptor; checked with the other options.
 * @throws ShimError `failed_precondition` when the descriptor is no listening unix socket.
 */
export function criSocket(endpoint: string): CriSocket {
  if (!endpoint.startsWith("fd://")) return { path: endpoint.replace(/^unix:\/\//, "") };
  const fd = Number(endpoint.slice("fd://".length) || firstPassedFd);
  return { fd, path: listeningPath(fd) };
}

/**
 * The path that a listening unix socket is bound to, from the kernel's table of all of them.
 *
 * @param fd A descriptor of this process.
 * @throws ShimError `failed_precondition` when it is not open, or no such socket.
 */
export function listeningPath(fd: number): string {
  let inode: string | undefined;
  try {
    [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
  } catch (cause) {
    throw new ShimError("failed_precondition", `listen: descriptor ${fd} is not open`, { cause });
  }
  for (const line of readFileSync("/proc/net/unix", "utf8").split("\n")) {
    // Num RefCount Protocol Flags Type St Inode Path, of which the last may have blanks.
    const [, flags = "", number, path] =
      /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (\/.*)$/.exec(line) ?? [];
    if (inode === undefined || number !== inode || path === undefined) continue;
    if ((Number.parseInt(flags, 16) & acceptsConnections) !== 0) return path;
  }
  throw new ShimError(
    "failed_precondition",
    `listen: descriptor ${fd} is no listening unix socket with a path`,
  );
}

/** `__SO_ACCEPTCON` of the kernel, in the column of flags. */
const acceptsConnections = 0x10000;

/**
 * Listens where CRI is answered. A socket that was passed on has whatever owner and mode it was
 * made with, and stays when we end.
 *
 * @throws ShimError like {@link listenOnUnixSocket}.
 */
export async function listenOnCriSocket(server: Server, socket: CriSocket): Promise<void> {
  if ("fd" in socket) await listen(server, { fd: socket.fd });
  else await listenOnUnixSocket(server, socket.path);
}

/**
 * Has a server take the connections that were made on a socket of ours before its name is gone: to close the
 * socket would reset them. On one that was passed on they wait for the next process.
 */
export async function takeLastConnections(server: Server, socket: CriSocket): Promise<void> {
  if ("fd" in socket) return;
  await unlink(socket.path).catch(() => undefined);
  let taken = 0;
  const count = (): void => {
    taken++;
  };
  server.on("connection", count);
  // Each turn of the event loop takes one at least, if there is one.
  for (let before = -1; before !== taken; ) {
    before = taken;
    await nextTurn();
    await nextTurn();
  }
  server.off("connection", count);
}

/**
 * Listens on a unix socket that only its owner may use (0600).
 *
 * A socket file that nobody answers is left over from a daemon that was killed: it is replaced.
 *
 * @throws ShimError `failed_precondition` when another process answers there, or when the path is
 * something else than a socket.
 */
async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await clearStaleSocket(path);
  // The mask covers the moment between bind and chmod. The file is made within listen().
  const mask = process.umask(0o177);
  try {
    await listen(server, { path });
  } finally {
    process.umask(mask);
  }
  await chmod(path, 0o600);
}

async function listen(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
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
