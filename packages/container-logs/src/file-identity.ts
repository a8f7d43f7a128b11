import { type BigIntStats, fstatSync, lstatSync, statSync } from "node:fs";

/**
 * Tells files apart for ever: inode numbers are given again, but not with the same time of birth.
 * Where a file system keeps no time of birth it is 0, and the inode number must do.
 */
export function fileIdentity(stats: BigIntStats): string {
  return `${stats.ino}:${stats.birthtimeNs}`;
}

export function identityOfFd(fd: number): string {
  return fileIdentity(fstatSync(fd, { bigint: true }));
}

/** Identity and length of what is at a path; undefined when nothing is. */
export function identityAt(path: string): { identity: string; size: number } | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats && { identity: fileIdentity(stats), size: Number(stats.size) };
}

/** Like {@link identityAt}, of the link itself where the path is one. */
export function entryAt(
  path: string,
): { identity: string; size: number; kind: "file" | "link" | "other" } | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const kind = stats.isFile() ? "file" : stats.isSymbolicLink() ? "link" : "other";
  return { identity: fileIdentity(stats), size: Number(stats.size), kind };
}
