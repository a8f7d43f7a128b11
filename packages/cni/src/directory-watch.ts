import { watch as fsWatch } from "node:fs";
import { stat } from "node:fs/promises";

/** Calls back when something in a directory changes; throws when it cannot watch. */
export type WatchDirectory = (
  dir: string,
  callbacks: { readonly onEvent: () => void; readonly onError: () => void },
) => { close(): void };

/** Watches with inotify. */
export const watchDirectory: WatchDirectory = (dir, { onEvent, onError }) => {
  const watcher = fsWatch(dir, onEvent);
  watcher.on("error", onError);
  return watcher;
};

/** A changing set of directories that are watched as far as they can be. */
export interface DirectoryWatch {
  /**
   * Sets the directories to watch, and watches anew those that have been
   * replaced since.
   *
   * @returns those that cannot be watched
   */
  set(dirs: readonly string[]): Promise<string[]>;
  close(): void;
}

export function createDirectoryWatch(watch: WatchDirectory, onEvent: () => void): DirectoryWatch {
  const watched = new Map<string, { readonly identity: string; close(): void }>();
  let closed = false;

  const stop = (dir: string) => {
    watched.get(dir)?.close();
    watched.delete(dir);
  };

  const start = async (dir: string): Promise<boolean> => {
    const found = await stat(dir).catch(() => undefined);
    const identity = found?.isDirectory() ? `${found.dev}:${found.ino}` : undefined;
    if (closed || (identity !== undefined && watched.get(dir)?.identity === identity)) return true;
    stop(dir);
    if (identity === undefined) return false;
    try {
      const onError = () => {
        stop(dir);
        onEvent();
      };
      const watcher = watch(dir, { onEvent, onError });
      watched.set(dir, { identity, close: () => watcher.close() });
      return true;
    } catch {
      // The directory went, or the system's limit of watches is reached.
      return false;
    }
  };

  return {
    set: async (dirs) => {
      for (const dir of watched.keys()) {
        if (!dirs.includes(dir)) stop(dir);
      }
      const started = await Promise.all(dirs.map(start));
      return dirs.filter((_, index) => !started[index]);
    },
    close: () => {
      closed = true;
      for (const dir of watched.keys()) stop(dir);
    },
  };
}
