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
import { entryAt, identityOfFd } from "./file-identity.js";

/** Where a container's log goes. */
export interface LogTargetPath {
  /** CRI's log_directory of the sandbox; the node's own, it may lead through links. */
  readonly directory: string;
  /** CRI's log_path of the container, relative to it. */
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

/** Thrown for a path that leads through a symbolic link. */
export class LogPathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "LogPathError";
  }
}

export function absolutePath({ directory, file }: LogTargetPath): string {
  return join(directory, file);
}

/**
 * Opens the file at a container's log path, making it and the folders above it where missing.
 *
 * Below log_directory nothing may be a symbolic link: the daemon writes as root, and would write
 * wherever the link leads.
 *
 * @throws LogPathError for a link on the way, or for something at the path that is no file.
 */
export function openLogTarget(path: LogTargetPath): LogTarget {
  makeFolders(path);
  return openTarget(absolutePath(path), constants.O_CREAT);
}

/** Makes the folder of a container's log; see {@link openLogTarget} for what is refused. */
export function makeFolders({ directory, file }: LogTargetPath): void {
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  let folder = directory;
  for (const name of dirname(file).split("/")) {
    if (name === "." || name === "") continue;
    folder = join(folder, name);
    const found = entryAt(folder);
    if (found === undefined) mkdirSync(folder, { recursive: true, mode: 0o755 });
    else if (found.kind === "link") {
      throw new LogPathError(`log_path: ${folder} is a symbolic link`);
    }
  }
}

/** Refuses a link at the path itself; the folders are {@link makeFolders}' to look at. */
export function refuseLink(path: LogTargetPath): void {
  if (entryAt(absolutePath(path))?.kind === "link") {
    throw new LogPathError(`log_path: ${absolutePath(path)} is a symbolic link`);
  }
}

/**
 * Finds a file by its identity beside a path: what a rotation has renamed.
 *
 * @returns undefined when there is none.
 */
export function openRenamedTarget(path: LogTargetPath, identity: string): LogTarget | undefined {
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
    throw new LogPathError(`log_path: ${path} is no regular file`);
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
    throw new LogPathError(`log_path: ${path} is a symbolic link`);
  }
}
