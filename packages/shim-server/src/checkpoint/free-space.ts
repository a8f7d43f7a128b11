import { stat, statfs } from "node:fs/promises";
import { ShimError } from "../shim-error.js";

/** Bytes that will be written below a folder. */
export interface SpaceNeed {
  readonly folder: string;
  readonly bytes: bigint;
}

/**
 * Refuses what would fill a disk, as far as that can be told ahead.
 *
 * @throws ShimError `resource_exhausted` with the folder that has too little free space for all that
 * is to be written on its file system.
 */
export async function requireSpace(needs: readonly SpaceNeed[]): Promise<void> {
  const needed = new Map<bigint, bigint>();
  for (const { folder, bytes } of needs) {
    const disk = await diskOf(folder);
    if (disk === undefined) continue;
    const all = (needed.get(disk.id) ?? 0n) + bytes;
    needed.set(disk.id, all);
    if (disk.free > all) continue;
    const [wanted, free] = [megabytes(all), megabytes(disk.free)];
    throw new ShimError(
      "resource_exhausted",
      `a checkpoint needs some ${wanted} MB of the disk of ${folder}, which has ${free} MB left`,
    );
  }
}

/** @returns undefined for what cannot be seen: the engine may see other files than we do. */
async function diskOf(folder: string): Promise<{ id: bigint; free: bigint } | undefined> {
  try {
    const { dev: id } = await stat(folder, { bigint: true });
    const { bavail, bsize } = await statfs(folder, { bigint: true });
    return { id, free: bavail * bsize };
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw err;
  }
}

function megabytes(bytes: bigint): bigint {
  return (bytes + 999_999n) / 1_000_000n;
}
