import fs from "node:fs";
import { CgroupError, isAbsent, systemErrorCode } from "./errors.js";
import { readKernelRecord, readRecordAgain } from "./kernel-file.js";

/** Reads controller files, which are one record each. */
export interface RecordFiles {
  /** The text of a directory's file; undefined when it is not there (any more). */
  read(directory: string, file: string): string | undefined;
  /** Closes all descriptors; reading goes on, with new ones. */
  close(): void;
}

/**
 * Makes a reader that keeps up to `maxOpen` descriptors open between reads; further files are opened
 * each time. Opening and closing is two thirds of the cost of reading a controller file, as the path
 * is looked up part by part. An open file does not keep a removed cgroup: reading it fails with
 * ENODEV, and then the path is looked up anew, as a new cgroup may have the same name.
 *
 * @param maxOpen - 0 to keep none.
 */
export function createRecordFiles(maxOpen: number): RecordFiles {
  // By directory first: joined paths would be made, and hashed in full, for each read.
  const open = new Map<string, Map<string, number>>();
  let count = 0;

  function keep(directory: string, file: string, fd: number): void {
    let files = open.get(directory);
    if (files === undefined) {
      files = new Map();
      open.set(directory, files);
    }
    files.set(file, fd);
    count++;
  }

  function drop(directory: string, file: string, fd: number): void {
    const files = open.get(directory);
    files?.delete(file);
    if (files?.size === 0) open.delete(directory);
    count--;
    fs.closeSync(fd);
  }

  function close(): void {
    for (const [directory, files] of open) {
      for (const [file, fd] of files) drop(directory, file, fd);
    }
  }

  /** @returns undefined when there is no such file. */
  function openNew(path: string): number | undefined {
    try {
      return fs.openSync(path, fs.constants.O_RDONLY);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (count === 0 || systemErrorCode(error) !== "EMFILE") throw error;
      // The process is out of descriptors: those kept here are the first to do without.
      close();
      return openNew(path);
    }
  }

  function readNew(directory: string, file: string): string | undefined {
    const fd = openNew(`${directory}/${file}`);
    if (fd === undefined) return undefined;
    keep(directory, file, fd);
    try {
      return readRecordAgain(fd);
    } catch (error) {
      drop(directory, file, fd);
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  return {
    read(directory, file) {
      const kept = open.get(directory)?.get(file);
      if (kept === undefined && count >= maxOpen) return readKernelRecord(`${directory}/${file}`);
      try {
        if (kept !== undefined) {
          try {
            return readRecordAgain(kept);
          } catch (error) {
            if (!isAbsent(error)) throw error;
            drop(directory, file, kept);
          }
        }
        return readNew(directory, file);
      } catch (error) {
        throw new CgroupError("read_failed", `cannot read ${directory}/${file}`, { cause: error });
      }
    },
    close,
  };
}
