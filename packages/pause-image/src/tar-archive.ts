/** A file or folder of an archive; its owner is root and its time the same for all. */
export interface TarEntry {
  /** Path without a leading slash, in ASCII, of at most 100 characters; a folder's ends in a slash. */
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  /** The file's content; nothing for a folder. */
  readonly content: Uint8Array;
}

const blockSize = 512;
const ascii = new TextEncoder();

/** A number in octal, filled up with zeros and ended by a NUL, as all numbers of a header are. */
function octal(value: number, width: number): string {
  return `${value.toString(8).padStart(width - 1, "0")}\0`;
}

/** The header block of an entry (POSIX.1-1988 ustar). */
function header({ path, mode, content }: TarEntry, mtime: number): Uint8Array {
  if (path.length > 100 || !/^[ -~]+$/.test(path)) {
    throw new RangeError(`"${path}" does not fit into a tar header`);
  }
  const fields: readonly [offset: number, text: string][] = [
    [0, path],
    [100, octal(mode, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(content.length, 12)],
    [136, octal(mtime, 12)],
    // The checksum is summed up over blanks in its own place.
    [148, " ".repeat(8)],
    [156, path.endsWith("/") ? "5" : "0"],
    [257, "ustar\x0000"],
  ];
  const block = new Uint8Array(blockSize);
  for (const [offset, text] of fields) block.set(ascii.encode(text), offset);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(ascii.encode(`${octal(sum, 7)} `), 148);
  return block;
}

/**
 * Packs entries into an uncompressed ustar archive. The same entries give the same bytes, always.
 *
 * @param mtime - modification time of all entries, in seconds since 1970
 * @throws RangeError when a path does not fit into a header
 */
export function tarArchive(entries: readonly TarEntry[], mtime: number): Uint8Array {
  const parts = entries.flatMap((entry) => [
    header(entry, mtime),
    entry.content,
    new Uint8Array((blockSize - (entry.content.length % blockSize)) % blockSize),
  ]);
  // Two empty blocks are the end.
  parts.push(new Uint8Array(2 * blockSize));
  const archive = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    archive.set(part, offset);
    offset += part.length;
  }
  return archive;
}
