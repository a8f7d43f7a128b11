import type { BigIntStats } from "node:fs";
import fs from "node:fs/promises";
import { isAbsent, systemErrorCode } from "./errors.js";
import type { Pacer } from "./pacer.js";

/**
 * Paths are held as latin1 strings, one character a byte: file names in a container's layer are
 * bytes, and those that are not UTF-8 would not survive a normal string.
 */
export type BytePath = string;

/** What one directory adds to a layer's usage, without the directories below it. */
export interface DirectoryScan {
  readonly stamp: DirectoryStamp;
  /** The directory itself and its entries that have one link. */
  readonly bytes: number;
  readonly inodes: number;
  /** Entries with several links, by inode: the layer counts each inode once. */
  readonly links: ReadonlyMap<bigint, number>;
  readonly subdirectories: readonly string[];
  /** Regular files that were written lately and may well be growing: their bytes by name. */
  readonly recent: ReadonlyMap<string, number>;
  /** How many entries were looked at: the cost of a scan. */
  readonly entries: number;
}

/** What tells that a directory's list of entries has changed. */
export interface DirectoryStamp {
  readonly device: bigint;
  readonly inode: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** How to look. */
export interface ScanContext {
  readonly pacer: Pacer;
  /** Files written since then (milliseconds since the epoch) are listed as recent. */
  readonly recentSinceMs: number;
  /** At most so many of them. */
  readonly maxRecent: number;
  /** Ends the scan, without a result. */
  readonly signal: AbortSignal;
}

const bytesPerBlock = 512n;

/** Bytes that an entry takes on the disk, as du(1) counts them; sparse files count what they hold. */
export function allocatedBytes(stats: Pick<BigIntStats, "blocks">): number {
  return Number(stats.blocks * bytesPerBlock);
}

/** lstat that gives undefined for what is not there. */
export async function lstatAt(path: BytePath, pacer: Pacer): Promise<BigIntStats | undefined> {
  try {
    return await pacer.run(() => fs.lstat(toBytes(path), { bigint: true }));
  } catch (error) {
    if (isOutOfReach(error)) return undefined;
    throw error;
  }
}

export function stampOf(stats: BigIntStats): DirectoryStamp {
  return {
    device: stats.dev,
    inode: stats.ino,
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
  };
}

/**
 * Looks at every entry of one directory.
 *
 * The processes of the container may swap a directory for a symbolic link at any moment, to send
 * the walk elsewhere on the host. So the directory is opened first, the kernel is asked what was
 * opened, and all entries are reached through that descriptor.
 *
 * @param path - Absolute and without symbolic links.
 * @param device - Entries on other file systems are not counted.
 * @returns undefined when it is not there, or not a directory, or not where it seemed to be,
 * or the scan was ended.
 */
export async function scanDirectory(
  path: BytePath,
  device: bigint | undefined,
  context: ScanContext,
): Promise<DirectoryScan | undefined> {
  const { pacer } = context;
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants;
  let handle: fs.FileHandle;
  try {
    handle = await pacer.run(() => fs.open(toBytes(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  } catch (error) {
    if (isOutOfReach(error)) return undefined;
    throw error;
  }
  try {
    const self = `/proc/self/fd/${handle.fd}`;
    if ((await fs.readlink(self, "latin1")) !== path) return undefined;
    const stats = await handle.stat({ bigint: true });
    if (device !== undefined && stats.dev !== device) return undefined;
    return await scanEntries(self, stats, context);
  } finally {
    await handle.close();
  }
}

async function scanEntries(
  directory: string,
  own: BigIntStats,
  { pacer, recentSinceMs, maxRecent, signal }: ScanContext,
): Promise<DirectoryScan | undefined> {
  const links = new Map<bigint, number>();
  const subdirectories: string[] = [];
  const recent = new Map<string, number>();
  let bytes = allocatedBytes(own);
  let inodes = 1;
  let entries = 0;
  // Read in portions, so that a directory of a million files does not become one array.
  const listing = await fs.opendir(directory, { encoding: "latin1", bufferSize: 256 });
  for await (const { name } of listing) {
    if (signal.aborted) return undefined;
    entries++;
    const stats = await lstatAt(`${directory}/${name}`, pacer);
    if (stats === undefined || stats.dev !== own.dev) continue;
    if (stats.isDirectory()) {
      subdirectories.push(name);
      continue;
    }
    const allocated = allocatedBytes(stats);
    if (stats.nlink > 1n) {
      links.set(stats.ino, allocated);
      continue;
    }
    bytes += allocated;
    inodes++;
    if (stats.isFile() && recent.size < maxRecent && Number(stats.mtimeMs) >= recentSinceMs) {
      recent.set(name, allocated);
    }
  }
  return { stamp: stampOf(own), bytes, inodes, links, subdirectories, recent, entries };
}

/**
 * Gone, or a symbolic link by now, or nested deeper than a path can say: a process can make such
 * a directory step by step, and its own layer's figure is then short of it.
 */
function isOutOfReach(error: unknown): boolean {
  const code = systemErrorCode(error);
  return isAbsent(error) || code === "ELOOP" || code === "ENAMETOOLONG";
}

function toBytes(path: BytePath): Buffer {
  return Buffer.from(path, "latin1");
}
