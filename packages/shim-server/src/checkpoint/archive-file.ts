import { randomBytes } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { type FileHandle, lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { ShimError } from "../shim-error.js";

/** Where an archive is to be, its folder held open: it is made in that one, whatever becomes of its name. */
export interface ArchiveFile {
  /** The path of the unfinished file, for who has to remove it after a crash. */
  readonly draft: string;
  /** Packs a folder, and puts the archive in its place with mode 0600, replacing a file that is there. */
  pack(folder: string, signal: AbortSignal): Promise<void>;
  /** Removes what is unfinished. */
  close(): Promise<void>;
}

/**
 * Opens the folder of an archive.
 *
 * The folders above are the node's owner's, who may have made links of them. In the last one somebody
 * else may be able to write (`/tmp`): there only a file of a new name is made, and renamed, which follows
 * no link.
 *
 * @throws ShimError `failed_precondition` where there is no such folder, or at the path something
 * that is no file.
 */
export async function openArchiveFile(location: string): Promise<ArchiveFile> {
  const directory = dirname(location);
  const folder = await openFolder(directory);
  const held = `/proc/self/fd/${folder.fd}`;
  const name = `.dockershim-${randomBytes(8).toString("hex")}.tmp`;
  const draft = join(held, name);
  const target = join(held, basename(location));
  try {
    const there = await lstat(target).catch(ignoreMissing);
    if (there?.isFile() === false) throw refused(location, "is there, and no regular file");
  } catch (err) {
    await folder.close();
    throw err;
  }
  return {
    draft: join(directory, name),
    async pack(source, signal) {
      const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
      const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      try {
        await writeArchive(source, file, signal);
        await file.sync();
      } finally {
        await file.close();
      }
      signal.throwIfAborted();
      await rename(draft, target);
      await folder.sync();
    },
    async close() {
      try {
        await rm(draft, { force: true });
      } finally {
        await folder.close();
      }
    },
  };
}

async function openFolder(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === "ENOENT") throw refused(path, "is not there");
    if (code === "ENOTDIR") throw refused(path, "is no folder");
    throw err;
  }
}

function refused(path: string, reason: string): ShimError {
  return new ShimError("failed_precondition", `location: ${path} ${reason}`);
}

function ignoreMissing(err: NodeJS.ErrnoException): undefined {
  if (err.code !== "ENOENT") throw err;
}

async function writeArchive(folder: string, file: FileHandle, signal: AbortSignal): Promise<void> {
  const archive = pack();
  const filling = addFolder(archive, folder, "", signal);
  // A folder that cannot be read ends the archive with the same error.
  filling.catch(() => undefined);
  await file.writeFile(archive, { signal });
  await filling;
}

async function addFolder(
  archive: Pack,
  folder: string,
  prefix: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = `${prefix}${entry.name}`;
      const path = join(folder, entry.name);
      if (entry.isFile()) {
        await addFile(archive, path, name, signal);
      } else if (entry.isDirectory()) {
        archive.entry({ name: `${name}/`, type: "directory", mode: 0o700, mtime: new Date() });
        await addFolder(archive, path, `${name}/`, signal);
      }
    }
    if (prefix === "") archive.finalize();
  } catch (err) {
    archive.destroy(err as Error);
    throw err;
  }
}

async function addFile(
  archive: Pack,
  path: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const { size, mtime } = await lstat(path);
  const entry = archive.entry({ name, size, mode: 0o600, mtime });
  await pipeline(createReadStream(path), entry, { signal });
}
