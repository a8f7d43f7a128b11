import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { ContainerLogError } from "./errors.js";
import type { LogPath } from "./log-path.js";

/** The folder of a container's log, held open: what is done in it is done in no other one. */
export interface LogFolder {
  /** Leads to this very folder until it is closed, whatever becomes of its names. */
  readonly path: string;
  /** Leads to the log in it. */
  readonly file: string;
  close(): void;
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY;
/** What containerd and the kubelet make such folders with. */
const folderMode = 0o755;

/**
 * Opens the folder of a container's log, going down from one open folder to the next. Whoever can
 * write there may exchange a folder for a symbolic link at any moment, and who copies logs is root.
 *
 * `/proc/self/fd/<fd>/<name>` with O_NOFOLLOW is what `openat(fd, name, O_NOFOLLOW)` is, on every
 * kernel and without native code.
 *
 * @param make Whether what is missing is made, with mode 0755 whatever the umask is.
 * @returns undefined for one that is missing and is not to be made.
 * @throws ContainerLogError `path_refused` for a symbolic link, or what is no folder, from the last
 * element of {@link LogPath.directory} on.
 */
export function openLogFolder(path: LogPath, make: true): LogFolder;
export function openLogFolder(path: LogPath, make: boolean): LogFolder | undefined;
export function openLogFolder({ directory, file }: LogPath, make: boolean): LogFolder | undefined {
  const trusted = dirname(directory);
  if (make) makeTrusted(trusted);
  let fd = openIfThere(trusted, folderFlags);
  if (make && fd === undefined) throw refused(`${trusted} leads nowhere`);
  let reached = trusted;
  for (const name of [basename(directory), ...folderNames(file)]) {
    if (fd === undefined) return undefined;
    if (name === "" || name === ".") continue;
    const above = fd;
    try {
      // It would lead out of the folder above.
      if (name === "..") throw refused(`${join(directory, file)} leads out of ${reached}`);
      reached = join(reached, name);
      fd = openBelow(`/proc/self/fd/${above}/${name}`, reached, make);
    } finally {
      closeSync(above);
    }
  }
  if (fd === undefined) return undefined;
  const opened = fd;
  const folder = `/proc/self/fd/${opened}`;
  return { path: folder, file: join(folder, basename(file)), close: () => closeSync(opened) };
}

/** Not by `dirname`, which takes `..` for what it means. */
function folderNames(file: string): string[] {
  return file.split("/").slice(0, -1);
}

function openBelow(path: string, name: string, make: boolean): number | undefined {
  const flags = folderFlags | constants.O_NOFOLLOW;
  try {
    const there = openIfThere(path, flags);
    if (there !== undefined || !make) return there;
    const made = makeIfMissing(path);
    const fd = openSync(path, flags);
    if (made) fchmodSync(fd, folderMode);
    return fd;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code !== "ELOOP" && code !== "ENOTDIR") throw err;
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink();
    throw refused(`${name} is ${isLink ? "a symbolic link" : "no folder"}`);
  }
}

/**
 * The node's owner may have put a link or a mount anywhere up to here.
 *
 * Node's own `recursive` never ends in /proc, where a folder can be made nowhere and the kernel
 * says that the one above is missing.
 */
function makeTrusted(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeTrusted(above);
  if (!makeIfMissing(folder)) return;
  const fd = openSync(folder, folderFlags);
  try {
    fchmodSync(fd, folderMode);
  } finally {
    closeSync(fd);
  }
}

/** @returns Whether it was made just now, and not by somebody else. */
function makeIfMissing(folder: string): boolean {
  try {
    mkdirSync(folder, folderMode);
    return true;
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw err;
  }
}

function openIfThere(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
}

function refused(reason: string): ContainerLogError {
  return new ContainerLogError("path_refused", reason);
}
