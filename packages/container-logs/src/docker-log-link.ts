import { access, readlink, symlink, unlink } from "node:fs/promises";
import { ContainerLogError } from "./errors.js";
import { openLogFolder } from "./log-folder.js";
import type { LogPath } from "./log-path.js";

/**
 * Makes a log path a symbolic link to the file that Docker's `json-file` driver writes, in place
 * of what is there. Nothing happens where it is that already.
 *
 * @param dockerFile The engine's `LogPath` of the container.
 * @param missing Whether only a log that is missing is made: what is there and can be reached stays,
 * and no folder is made. Default: no.
 * @throws ContainerLogError
 */
export async function linkDockerLog(
  path: LogPath,
  dockerFile: string,
  { missing = false }: { readonly missing?: boolean } = {},
): Promise<void> {
  try {
    const folder = openLogFolder(path, !missing);
    if (folder === undefined) return;
    try {
      if (missing && (await canBeReached(folder.file))) return;
      await replaceLink(folder.file, dockerFile);
    } finally {
      folder.close();
    }
  } catch (err) {
    throw ContainerLogError.from(err);
  }
}

async function canBeReached(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

async function replaceLink(link: string, target: string): Promise<void> {
  try {
    await symlink(target, link);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "EEXIST") throw err;
    if ((await targetOf(link)) === target) return;
    await unlink(link).catch(ignoreMissing);
    await symlink(target, link);
  }
}

/** Undefined for what is no link. */
async function targetOf(link: string): Promise<string | undefined> {
  return await readlink(link).catch(() => undefined);
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
      const target = await targetOf(folder.file);
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
