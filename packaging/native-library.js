import { closeSync, constants, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { getRawAsset } from "node:sea";

// The kernel's O_TMPFILE, which Node does not name: a file without a name, gone with its descriptor.
const unnamedFile = 0o20000000 | constants.O_DIRECTORY | constants.O_RDWR;

/** Where a library may be loaded from: some of these are mounted without leave to run code. */
const folders = ["/run", "/dev/shm", tmpdir(), "/var/lib", "/root"];

/**
 * Loads a native library that is part of this executable. The dynamic linker takes files only, so it
 * is written to one without a name, which leaves nothing behind.
 *
 * @throws Error with the reason for each folder when none of them will do.
 */
export function loadNative(name) {
  const library = new Uint8Array(getRawAsset(name));
  const reasons = [];
  for (const folder of folders) {
    try {
      const fd = openSync(folder, unnamedFile, 0o700);
      try {
        for (let at = 0; at < library.length; ) at += writeSync(fd, library, at);
        const module = { exports: {} };
        process.dlopen(module, `/proc/self/fd/${fd}`);
        return module.exports;
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      reasons.push(`${folder}: ${error.message}`);
    }
  }
  throw new Error(`cannot load ${name}: ${reasons.join("; ")}`);
}
