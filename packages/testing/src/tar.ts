import { tarArchive } from "../../pause-image/src/tar-archive.ts";

/** A tar with one file, as the project's own writer makes it. */
export function tarOf(path: string, content: Uint8Array | string): Buffer {
  const entry = { path, mode: 0o644, content: Buffer.from(content) };
  return Buffer.from(tarArchive([entry], 0));
}
