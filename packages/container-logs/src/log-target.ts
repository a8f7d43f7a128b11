import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ContainerLogError } from "./errors.js";
import { entryAt, identityOfFd } from "./file-identity.js";
import { openLogFolder } from "./log-folder.js";
import { absolutePath, type LogPath } from "./log-path.js";

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

/** Readable for the group, as containerd's logs are. */
const fileMode = 0o640;

/**
 * Opens the file at a container's log path, making it and the folders above it where missing, with
 * modes 0640 and 0755 whatever the umask is.
 *
 * @throws ContainerLogError `path_refused` for a link on the way (see {@link openLogFolder}) or at
 * the path, or for something there that is no file.
 */
export function openLogTarget(path: LogPath): LogTarget {
  const folder = openLogFolder(path, true);
  try {
    return toTarget(openOrMake(folder.file, absolutePath(path)), absolutePath(path));
  } finally {
    folder.close();
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
    const folder = openLogFolder(path, true);
    try {
      if (!link && entryAt(folder.file)?.kind === "link") throw linkRefused(absolutePath(path));
    } finally {
      folder.close();
    }
  } catch (err) {
    throw ContainerLogError.from(err);
  }
}

/**
 * What is at a container's log path now; undefined when nothing is.
 *
 * @throws ContainerLogError `path_refused` for a link on the way.
 */
export function targetEntry(path: LogPath): ReturnType<typeof entryAt> {
  const folder = openLogFolder(path, false);
  try {
    return folder && entryAt(folder.file);
  } finally {
    folder?.close();
  }
}

/**
 * Opens a container's log to read what it has; the descriptor is the caller's to close.
 *
 * @returns undefined where there is none, or a link to Docker's own file.
 * @throws ContainerLogError `path_refused` for a link on the way, and for what is no regular file.
 */
export function openLogForReading(path: LogPath): number | undefined {
  try {
    const folder = openLogFolder(path, false);
    if (folder === undefined) return undefined;
    try {
      if (entryAt(folder.file)?.kind !== "file") return undefined;
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
      return openSync(folder.file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } finally {
      folder.close();
    }
  } catch (err) {
    throw ContainerLogError.from(err);
  }
}

/**
 * Finds a file by its identity beside a path: what a rotation has renamed.
 *
 * @returns undefined when there is none.
 */
export function openRenamedTarget(path: LogPath, identity: string): LogTarget | undefined {
  const folder = openLogFolder(path, false);
  if (folder === undefined) return undefined;
  try {
    for (const name of readdirSync(folder.path)) {
      const candidate = join(folder.path, name);
      if (entryAt(candidate)?.identity !== identity) continue;
      return toTarget(openOrRefuse(candidate, 0, name), name);
    }
    return undefined;
  } finally {
    folder.close();
  }
}

function toTarget(fd: number, name: string): LogTarget {
  const stats = fstatSync(fd);
  if (!stats.isFile()) {
    closeSync(fd);
    throw new ContainerLogError("path_refused", `${name} is no regular file`);
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

/** Who makes a file sets its mode, so it must be known who made it. */
function openOrMake(path: string, name: string): number {
  for (;;) {
    try {
      return openOrRefuse(path, 0, name);
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
    }
    try {
      const fd = openOrRefuse(path, constants.O_CREAT | constants.O_EXCL, name);
      fchmodSync(fd, fileMode);
      return fd;
    } catch (err) {
      if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
    }
  }
}

function openOrRefuse(path: string, extraFlags: number, name: string): number {
  const { O_RDWR, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | extraFlags, fileMode);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ELOOP") throw linkRefused(name);
    throw err;
  }
}

function linkRefused(name: string): ContainerLogError {
  return new ContainerLogError("path_refused", `${name} is a symbolic link`);
}
