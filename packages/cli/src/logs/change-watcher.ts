import { type FSWatcher, watch } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname } from "node:path";

export interface ChangeWatcher {
  /** Resolves to true at the next change (or one since the last call), to false after a time. */
  wait(timeoutMs: number): Promise<boolean>;
  /** To be called when the path may lead to another folder than before. */
  retarget(): Promise<void>;
  close(): void;
}

/**
 * Watches the folder of a file, where a rotation shows, and the folder that it really
 * is in, in case the path is a symbolic link (to Docker's json-file). Where the kernel
 * grants no watch, wait() goes by time alone.
 */
export async function watchForChange(path: string): Promise<ChangeWatcher> {
  let watchers: FSWatcher[] = [];
  let changed = false;
  let wake = () => {};

  const onChange = () => {
    changed = true;
    wake();
  };
  const stop = () => {
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  const start = async () => {
    stop();
    const target = await realpath(path).catch(() => path);
    for (const folder of new Set([dirname(path), dirname(target)])) {
      try {
        const watcher = watch(folder, onChange);
        watcher.on("error", () => watcher.close());
        watchers.push(watcher);
      } catch {
        // No such folder yet, or no inotify watch left.
      }
    }
  };
  await start();

  return {
    async wait(timeoutMs) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      const result = changed;
      changed = false;
      return result;
    },
    retarget: start,
    close: stop,
  };
}
