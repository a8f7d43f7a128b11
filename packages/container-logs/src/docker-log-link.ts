import { readlink, symlink, unlink } from "node:fs/promises";
import { ContainerLogError } from "./errors.js";
import { openLogFolder } from "./log-folder.js";
import type { LogPath } from "./log-path.js";

/**
 * Makes a log path a symbolic link to the file that Docker's `json-file` driver writes, in place
 * of what is there.
 *
 * @param dockerFile The engine's `LogPath` of the container.
 * @throws ContainerLogError
 */
export async function linkDockerLog(path: LogPath, dockerFile: string): Promise<void> {
  try {
    const folder = openLogFolder(path, true);
    try {
      await replaceLink(folder.file, dockerFile);
    } finally {
      folder.close();
    }
  } catch (err) {
    throw ContainerLogError.from(err);
  }
}

async function replaceLink(link: string, target: string): Promise<void> {
  try {
    await symlink(target, link);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
    await unlink(link).catch(ignoreMissing);
    await symlink(target, link);
  }
}

/**
 * Removes that link; what somebody else has put in its place is theirs and stays.
 *
 * @throws ContainerLogError
 */
export async function unlinkDockerLog(path: LogPath, dockerFile: string): Promise<void> {
  try {
    const folder = openLogFolder(path, false);
    if (folder === undefined) return;
    try {
      const target = await readlink(folder.file).catch(() => undefined);
      if (target === dockerFile) await unlink(folder.file).catch(ignoreMissing);
    } finally {
      folder.close();
    }
  } catch (err) {
    throw ContainerLogError.from(err);
  }
}

function ignoreMissing(err: NodeJS.ErrnoException): void {
  if (err.code !== "ENOENT") throw err;
}
