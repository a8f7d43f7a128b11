import fs from "node:fs";
import { CgroupError, isAbsent } from "./errors.js";

/**
 * Synchronous reads on purpose: files of cgroupfs, procfs and sysfs are made in memory by the
 * kernel at the moment they are read and never wait for a disk, so there is nothing that a
 * thread pool could overlap. 600 files (100 containers) take about 6 ms this way and 30 ms
 * through `fs.promises` (bench/read-methods.mjs). Descriptors kept open would take it down to
 * 1.3 ms, but cost six or more per container for the daemon's whole life; opening is cheap
 * enough. Nothing that does touch a disk (see layer-usage.ts, filesystem.ts) is read this way.
 */
const initialSize = 16 * 1024;
let buffer: Buffer = Buffer.allocUnsafe(initialSize);

/**
 * Reads a whole kernel file as text.
 *
 * @returns undefined when the file is not there (any more).
 * @throws CgroupError `read-failed` for every other reason.
 */
export function readKernelFile(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, "r");
    return readAll(fd);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CgroupError("read-failed", `cannot read ${path}`, { cause: error });
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function readAll(fd: number): string {
  let length = 0;
  for (;;) {
    const count = fs.readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    // Only an empty read is the end: the kernel stops a read early before a line that does not
    // fit in its page, as the long ones of mountinfo.
    if (count === 0) return buffer.toString("latin1", 0, length);
    if (length === buffer.length) {
      const larger = Buffer.allocUnsafe(buffer.length * 2);
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
  }
}

/**
 * Names of a kernel directory; undefined when it is not there (any more) or may not be listed.
 */
export function listKernelDirectory(path: string): string[] | undefined {
  try {
    return fs.readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new CgroupError("read-failed", `cannot list ${path}`, { cause: error });
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
    throw new CgroupError("read-failed", `cannot list ${path}`, { cause: error });
  }
}
