import { mkdir, readlink, symlink, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { ContainerLogError } from "./errors.js";
import { absolutePath, type LogPath } from "./log-target.js";

/**
 * Makes a log path a symbolic link to the file that Docker's `json-file` driver writes, in place
 * of what is there.
 *
 * @param dockerFile The engine's `LogPath` of the container.
 * @throws ContainerLogError
 */
export async function linkDockerLog(path: LogPath, dockerFile: string): Promise<void> {
  const link = absolutePath(path);
  try {
    await mkdir(dirname(link), { recursive: true });
    await replaceLink(link, dockerFile);
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

/** Removes that link; what somebody else has put in its place is theirs and stays. */
export async function unlinkDockerLog(path: LogPath, dockerFile: string): Promise<void> {
  const link = absolutePath(path);
  const target = await readlink(link).catch(() => undefined);
  if (target !== dockerFile) return;
  await unlink(link).catch(ignoreMissing);
}

function ignoreMissing(err: NodeJS.ErrnoException): void {
  if (err.code !== "ENOENT") throw ContainerLogError.from(err);
}
