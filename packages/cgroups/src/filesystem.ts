import fs from "node:fs/promises";
import { CgroupError, isAbsent } from "./errors.js";
import { readKernelFile } from "./kernel-file.js";
import { parseMountInfo } from "./mount-info.js";

/** A file system's size and use, for CRI `FilesystemUsage` and the `container_fs_*` metrics. */
export interface FilesystemCapacity {
  /** Where the file system is mounted: CRI `FilesystemIdentifier.mountpoint`. */
  readonly mountPoint: string;
  /** The mounted device or name. */
  readonly device: string;
  readonly totalBytes: bigint;
  readonly usedBytes: bigint;
  /** What unprivileged processes may still use. */
  readonly availableBytes: bigint;
  readonly inodesTotal: bigint;
  readonly inodesFree: bigint;
}

/**
 * Capacity of the file system that holds a path. Asynchronous, because statfs of a network file
 * system or of a hanging disk blocks.
 *
 * @returns undefined when the path does not exist.
 * @throws CgroupError `read_failed` for every other reason.
 */
export async function readFilesystemCapacity(
  path: string,
  options: { readonly procRoot?: string } = {},
): Promise<FilesystemCapacity | undefined> {
  try {
    const [real, stats, { dev, ino }] = await Promise.all([
      fs.realpath(path),
      fs.statfs(path, { bigint: true }),
      fs.stat(path, { bigint: true }),
    ]);
    const procRoot = options.procRoot ?? "/proc";
    const key = [procRoot, real, dev, ino].join(":");
    if (latest?.key !== key) latest = { key, mount: findMount(real, procRoot) };
    const { mount } = latest;
    return {
      mountPoint: mount.mountPoint,
      device: mount.device,
      totalBytes: stats.blocks * stats.bsize,
      usedBytes: (stats.blocks - stats.bfree) * stats.bsize,
      availableBytes: stats.bavail * stats.bsize,
      inodesTotal: stats.files,
      inodesFree: stats.ffree,
    };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CgroupError("read_failed", `cannot read the capacity of ${path}`, { cause: error });
  }
}

interface Mount {
  readonly mountPoint: string;
  readonly device: string;
}

/**
 * The mount that was found last, of a path that is still the same directory of the same file system: a
 * machine has a mount or two for each container, and the table of them is long.
 */
let latest: { readonly key: string; readonly mount: Mount } | undefined;

/** The longest mount point above a path; of several on one point the last covers the others. */
function findMount(path: string, procRoot: string): Mount {
  let best = { mountPoint: "/", device: "" };
  for (const mount of parseMountInfo(readKernelFile(`${procRoot}/self/mountinfo`) ?? "")) {
    const { mountPoint } = mount;
    const covers = mountPoint === "/" || path === mountPoint || path.startsWith(`${mountPoint}/`);
    if (covers && mountPoint.length >= best.mountPoint.length) {
      best = { mountPoint, device: mount.source };
    }
  }
  return best;
}
