import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { command, tryCommand } from "./command.ts";

/** What filling a folder of the cache may take from its surroundings. */
export interface Filling {
  /** The empty folder to fill. */
  readonly part: string;
  /**
   * The cache's lock, to be inherited by every command that writes into `part` or beside it: when we are
   * killed, it is held until those have ended, and nobody writes into a folder that another run clears.
   */
  readonly lock: number;
  readonly signal: AbortSignal | undefined;
}

export interface CacheOptions {
  /** What is fetched, in words for the person who has to wait for it. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a folder of the cache unless it is there. It is whole or not there at all: it is filled under another
 * name and renamed, and what an earlier run left half-done is thrown away. Runs of the whole machine take
 * turns, for as long as it takes; the one that waits says so.
 */
export async function cacheFolder(
  target: string,
  { what, signal }: CacheOptions,
  fill: (filling: Filling) => Promise<void>,
): Promise<void> {
  if (existsSync(target)) return;
  await withCacheLock(target, { what, signal }, async (lock) => {
    if (existsSync(target)) return;
    const part = `${target}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part);
    console.error(`lab: ${what}`);
    const begin = Date.now();
    try {
      await fill({ part, lock, signal });
      renameSync(part, target);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
    console.error(
      `lab: ${what.split(";")[0]}: done after ${Math.round((Date.now() - begin) / 1000)} s`,
    );
  });
}

/**
 * Holds the lock of one entry of the cache while `work` runs. The lock is flock(2)'s: unlike the labs' own
 * lock, it counts in every namespace that sees the cache; the kernel drops it with its last holder.
 */
export async function withCacheLock<T>(
  entry: string,
  { what, signal }: CacheOptions,
  work: (lock: number) => Promise<T>,
): Promise<T> {
  const folder = join(dirname(entry), ".locks");
  mkdirSync(folder, { recursive: true });
  // The file is never removed: who waits for it and who comes later must mean the same one.
  const lock = openSync(join(folder, basename(entry)), "w");
  try {
    // flock(1) locks what both of us have open, and so leaves the lock to us.
    const { code } = await tryCommand("flock", ["--nonblock", "3"], { inherit: lock });
    if (code !== 0) {
      console.error(`lab: waiting for another run: ${what}`);
      await command("flock", ["3"], { inherit: lock, signal });
    }
    return await work(lock);
  } finally {
    closeSync(lock);
  }
}
