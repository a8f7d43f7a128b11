import { chown, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file so that after a crash it has the old content or the new one. A file that is there keeps its owner
 * and mode, and a symlink stays one.
 *
 * @param mode Of a file that is not there yet.
 */
export async function writeWhole(
  file: string,
  content: string | Uint8Array,
  mode = 0o644,
): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const there = await stat(target).catch(() => undefined);
  const draft = `${target}.${process.pid}.tmp`;
  const handle = await open(draft, "w", mode);
  try {
    await handle.writeFile(content);
    await handle.chmod(there === undefined ? mode : there.mode & 0o7777);
    await handle.sync();
    await handle.close();
    if (there !== undefined) await chown(draft, there.uid, there.gid);
    await rename(draft, target);
    await syncFolder(dirname(target));
  } catch (err) {
    await handle.close().catch(() => undefined);
    await rm(draft, { force: true });
    throw err;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
