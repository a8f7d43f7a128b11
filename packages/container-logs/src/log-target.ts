import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { ContainerLogError } from "./errors.js";
import { entryAt, identityOfFd } from "./file-identity.js";

/** Where a container's log goes. */
export interface LogPath {
  /** An absolute path that is trusted: it may lead through links. CRI's log_directory of a pod. */
  readonly directory: string;
  /** The rest, relative to it, in which no link is followed. CRI's log_path of a container. */
  readonly file: string;
}

/** The open file that a container's lines are appended to. */
export interface LogTarget {
  readonly identity: string;
  /** Its length when it was opened. */
  readonly openedSize: number;
  /** Appends; returns how many bytes it took. Throws what the system says, such as ENOSPC. */
  append(buffer: Buffer, from: number, to: number): number;
  /** Whether no name leads to it any more. */
  isRemoved(): boolean;
  /** Cuts the file; only for a line that a crash left unfinished. */
  truncate(size: number): void;
  /** Descriptor for reading what it holds. */
  readonly fd: number;
  close(): void;
}

export function absolutePath({ directory, file }: LogPath): string {
  return join(directory, file);
}

/**
 * Opens the file at a container's log path, making it and the folders above it where missing.
 *
 * Below the directory nothing may be a symbolic link: who copies logs is root, and would write
 * wherever the link leads.
 *
 * @throws ContainerLogError `path_refused` for a link on the way, or for something at the path that is no file.
 */
export function openLogTarget(path: LogPath): LogTarget {
  makeFolders(path);
  return openTarget(absolutePath(path), constants.O_CREAT);
}

/** Makes the folder of a container's log; see {@link openLogTarget} for what is refused. */
function makeFolders({ directory, file }: LogPath): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  let folder = directory;
  for (const name of dirname(file).split("/")) {
    if (name === "." || name === "") continue;
    folder = join(folder, name);
    const found = entryAt(folder);
    if (found === undefined) mkdirSync(folder, { recursive: true, mode: 0o755 });
    else if (found.kind === "link") {
      throw new ContainerLogError("path_refused", `${folder} is a symbolic link`);
    }
  }
}

/**
 * Makes the folder of a container's log before there is anything to copy, so that a path that
 * cannot be written is refused early.
 *
 * @param link Whether the path itself may be a link, for {@link linkDockerLog} to replace.
 * @throws ContainerLogError `path_refused` for a link on the way or at the path.
 */
export function prepareLogPath(path: LogPath, { link = false }: { link?: boolean } = {}): void {
  try {
    makeFolders(path);
  } catch (err) {
    throw ContainerLogError.from(err);
  }
  if (!link && entryAt(absolutePath(path))?.kind === "link") {
    throw new ContainerLogError("path_refused", `${absolutePath(path)} is a symbolic link`);
  }
}

/**
 * Finds a file by its identity beside a path: what a rotation has renamed.
 *
 * @returns undefined when there is none.
 */
export function openRenamedTarget(path: LogPath, identity: string): LogTarget | undefined {
  const folder = dirname(absolutePath(path));
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
  for (const name of names) {
    const candidate = join(folder, name);
    if (entryAt(candidate)?.identity === identity) return openTarget(candidate, 0);
  }
  return undefined;
}

function openTarget(path: string, extraFlags: number): LogTarget {
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | extraFlags;
  const fd = openOrRefuse(path, flags);
  const stats = fstatSync(fd);
  if (!stats.isFile()) {
    closeSync(fd);
    throw new ContainerLogError("path_refused", `${path} is no regular file`);
  }
  return {
    fd,
    identity: identityOfFd(fd),
    openedSize: stats.size,
    append: (buffer, from, to) => writeSync(fd, buffer, from, to - from),
    isRemoved: () => fstatSync(fd).nlink === 0,
    truncate: (size) => ftruncateSync(fd, size),
    close: () => closeSync(fd),
  };
}

function openOrRefuse(path: string, flags: number): number {
  try {
    return openSync(path, flags | constants.O_NONBLOCK, 0o640);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ELOOP") throw err;
    throw new ContainerLogError("path_refused", `${path} is a symbolic link`);
  }
}
