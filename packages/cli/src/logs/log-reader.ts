import { type FileHandle, open, stat } from "node:fs/promises";
import { watchForChange } from "./change-watcher.js";
import { findTailOffset } from "./log-tail.js";

const lineFeed = 0x0a;
const chunkBytes = 64 * 1024;

export interface LogReaderOptions {
  path: string;
  /** Number of last lines to begin with; undefined for all. */
  tail: number | undefined;
  /**
   * Asked, when nothing new has come for a while, whether anything still may. Without it
   * the reader ends at the end of the file.
   */
  mayGrow?: () => Promise<boolean>;
  /** How long "for a while" is, in milliseconds. */
  quietMs?: number;
}

/**
 * The physical lines of a container's log, without their line feeds; a line that is
 * still being written is left for later. A follower goes along when the file is rotated
 * (renamed, and made anew under its path) or truncated.
 */
export async function* readLog(options: LogReaderOptions): AsyncGenerator<Buffer> {
  const { path, tail, mayGrow, quietMs = 1_000 } = options;
  const watcher = mayGrow ? await watchForChange(path) : undefined;
  let file: FileHandle | undefined;
  try {
    file = await openLog(path, mayGrow !== undefined);
    let offset = file && tail !== undefined ? await findTailOffset(file, tail) : 0;
    let growing = mayGrow !== undefined;
    for (;;) {
      if (file) offset = yield* readLines(file, offset);
      if (!growing) return;

      const replaced = await replacement(path, file);
      if (replaced) {
        // What was written to the old file before the writer let go of it.
        if (file) yield* readLines(file, offset);
        await file?.close();
        file = replaced;
        offset = 0;
        await watcher?.retarget();
        continue;
      }
      if (file && (await file.stat()).size < offset) {
        offset = 0;
        continue;
      }
      const changed = await watcher?.wait(quietMs);
      // A last look at the file follows, for what came before it ended.
      if (!changed && mayGrow && !(await mayGrow())) growing = false;
    }
  } finally {
    await file?.close();
    watcher?.close();
  }
}

/** Yields the finished lines from an offset on; returns where the first unfinished one begins. */
async function* readLines(file: FileHandle, from: number): AsyncGenerator<Buffer, number> {
  let offset = from;
  let pieces: Buffer[] = [];
  let position = from;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return offset;
    position += bytesRead;
    let start = 0;
    for (;;) {
      const end = chunk.subarray(0, bytesRead).indexOf(lineFeed, start);
      if (end < 0) break;
      const last = chunk.subarray(start, end);
      yield pieces.length > 0 ? Buffer.concat([...pieces, last]) : last;
      pieces = [];
      start = end + 1;
      offset = position - bytesRead + start;
    }
    if (start < bytesRead) pieces.push(chunk.subarray(start, bytesRead));
  }
}

/** A follower may be there before the container's first start has made the file. */
async function openLog(path: string, mayBeMissing: boolean): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (mayBeMissing && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The file that is at the path now, opened, when it is not the one being read. */
async function replacement(
  path: string,
  current: FileHandle | undefined,
): Promise<FileHandle | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found) return undefined;
  const known = await current?.stat();
  if (known && known.ino === found.ino && known.dev === found.dev) return undefined;
  return openLog(path, true);
}
