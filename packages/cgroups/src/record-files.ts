import fs from "node:fs";
import { CgroupError, isAbsent, systemErrorCode } from "./errors.js";
import { readKernelRecord, readRecordAgain } from "./kernel-file.js";

/** Reads controller files, which are one record each. */
export interface RecordFiles {
  /** The text of a file; undefined when it is not there (any more). */
  read(path: string): string | undefined;
  /** Closes all descriptors; reading goes on, with new ones. */
  close(): void;
}

/**
 * Makes a reader that keeps up to `maxOpen` descriptors open between reads, the latest opened
 * ones. Opening and closing is two thirds of the cost of reading a controller file, as the path
 * is looked up part by part. An open file does not keep a removed cgroup: reading it fails with
 * ENODEV, and then the path is looked up anew, as a new cgroup may have the same name.
 *
 * @param maxOpen - 0 to keep none.
 */
export function createRecordFiles(maxOpen: number): RecordFiles {
  if (maxOpen <= 0) return { read: readKernelRecord, close: () => {} };
  const open = new Map<string, number>();

  function drop(path: string, fd: number): void {
    open.delete(path);
    fs.closeSync(fd);
  }

  function close(): void {
    for (const [path, fd] of open) drop(path, fd);
  }

  function openNew(path: string): number | undefined {
    for (const [oldest, fd] of open) {
      if (open.size < maxOpen) break;
      drop(oldest, fd);
    }
    try {
      return fs.openSync(path, fs.constants.O_RDONLY);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (open.size === 0 || systemErrorCode(error) !== "EMFILE") throw error;
      // The process is out of descriptors: those kept here are the first to do without.
      close();
      return openNew(path);
    }
  }

  return {
    read(path) {
      try {
        const kept = open.get(path);
        if (kept !== undefined) {
          try {
            return readRecordAgain(kept);
          } catch (error) {
            if (!isAbsent(error)) throw error;
            drop(path, kept);
          }
        }
        const fd = openNew(path);
        if (fd === undefined) return undefined;
        open.set(path, fd);
        try {
          return readRecordAgain(fd);
        } catch (error) {
          drop(path, fd);
          if (isAbsent(error)) return undefined;
          throw error;
        }
      } catch (error) {
        throw new CgroupError("read_failed", `cannot read ${path}`, { cause: error });
      }
    },
    close,
  };
}
