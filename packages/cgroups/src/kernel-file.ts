import fs from "node:fs";
import { CgroupError, isAbsent } from "./errors.js";

/**
 * Synchronous reads on purpose: files of cgroupfs, procfs and sysfs are made in memory by the
 * kernel at the moment they are read and never wait for a disk, so there is nothing that a
 * thread pool could overlap. On a quiet machine 600 files (100 containers) take about 6 ms this
 * way and 30 ms through `fs.promises`, see bench/read-methods.mjs. Nothing that does touch a disk
 * (layer-usage.ts, filesystem.ts) is read this way.
 */
const initialSize = 16 * 1024;
let buffer: Buffer = Buffer.allocUnsafe(initialSize);

/**
 * Reads a whole kernel file that is one record, as all files of cgroup controllers are: the
 * kernel hands over as much of a record as fits, so a read that does not fill the buffer has
 * all of it, and the read that would only say "end" is saved.
 *
 * @returns undefined when the file is not there (any more).
 * @throws CgroupError `read_failed` for every other reason.
 */
export function readKernelRecord(path: string): string | undefined {
  return read(path, Number.POSITIVE_INFINITY);
}

/** Reads a file of one record anew from a descriptor that was kept; throws system errors. */
export function readRecordAgain(fd: number): string {
  for (;;) {
    const count = fs.readSync(fd, buffer, 0, buffer.length, 0);
    if (count < buffer.length) return buffer.toString("latin1", 0, count);
    enlarge();
  }
}

/**
 * Reads a whole kernel file of many records, such as mountinfo. The kernel stops a read before a
 * record that does not fit in its page, so only an empty read is the end.
 *
 * @returns undefined when the file is not there (any more).
 * @throws CgroupError `read_failed` for every other reason.
 */
export function readKernelFile(path: string): string | undefined {
  return read(path, 0);
}

/**
 * Reads a whole kernel file of many short records, such as cgroup.procs and net/dev: a read that
 * leaves half of the least page empty has stopped for no record but at the end.
 *
 * @returns undefined when the file is not there (any more).
 * @throws CgroupError `read_failed` for every other reason.
 */
export function readShortRecords(path: string): string | undefined {
  return read(path, 2048);
}

/** @param whole A read of fewer bytes than this, and than there was room for, has come to the end. */
function read(path: string, whole: number): string | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY);
    let length = 0;
    for (;;) {
      const room = buffer.length - length;
      const count = fs.readSync(fd, buffer, length, room, null);
      length += count;
      if (count === 0 || (count < whole && count < room)) break;
      if (length === buffer.length) enlarge();
    }
    return buffer.toString("latin1", 0, length);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CgroupError("read_failed", `cannot read ${path}`, { cause: error });
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function enlarge(): void {
  const larger = Buffer.allocUnsafe(buffer.length * 2);
  buffer.copy(larger);
  buffer = larger;
}

/**
 * Names of a kernel directory; undefined when it is not there (any more) or may not be listed.
 */
export function listKernelDirectory(path: string): string[] | undefined {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CgroupError("read_failed", `cannot list ${path}`, { cause: error });
  }
}

/** Names of the directories directly below a kernel directory; none when it is not there. */
export function listKernelSubdirectories(path: string): string[] {
  try {
    const names: string[] = [];
    for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) names.push(entry.name);
    }
    return names;
  } catch (error) {
    if (isAbsent(error)) return [];
    throw new CgroupError("read_failed", `cannot list ${path}`, { cause: error });
  }
}
