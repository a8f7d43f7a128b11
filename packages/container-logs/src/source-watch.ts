import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

/** Tells of changes in the folder of Docker's files of one container: one inotify watch. */
export interface SourceWatch {
  readonly armed: boolean;
  /** Begins. Returns false where that is not possible at present. */
  arm(): boolean;
  disarm(): void;
}

/**
 * @param source One of the files; the folder is watched, for their names move on.
 * @param onChange Called when something in it has changed, at least once after the last change.
 */
export function createSourceWatch(source: string, onChange: () => void): SourceWatch {
  let watcher: FSWatcher | undefined;

  function disarm(): void {
    watcher?.close();
    watcher = undefined;
  }

  return {
    get armed() {
      return watcher !== undefined;
    },
    arm() {
      if (watcher !== undefined) return true;
      try {
        watcher = watch(dirname(source), onChange).on("error", disarm);
        return true;
      } catch {
        // The kernel grants no more watches, or the folder is not there.
        return false;
      }
    },
    disarm,
  };
}
