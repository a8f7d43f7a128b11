const blockBytes = 512;

/** Records before an entry hold its path and extended attributes, of which the kernel allows 64 KiB each. */
const mostRecordBytes = 16 * 1024 * 1024;

/** Types of entries that only tell of the one that follows: POSIX's records, and GNU's long names. */
const records = new Set(["x", "L", "K"]);

/** Types of entries that have a content: POSIX has three names for regular files. */
const withContent = new Set(["0", "\0", "7", ...records, "g"]);

/**
 * Picks entries out of a tar stream, byte for byte, so that owners, times and extended attributes
 * stay as they are whatever they are. The end of an archive is not among what it yields.
 *
 * @param wanted Is asked with the path of each entry, without slashes at its ends.
 * @throws Error for what is no tar, and for a stream that ends within an entry.
 */
export async function* pickEntries(
  tar: AsyncIterable<Uint8Array>,
  wanted: (path: string) => boolean,
): AsyncGenerator<Uint8Array> {
  const source = byteSource(tar);
  try {
    yield* pickFrom(source, wanted);
  } finally {
    await source.close();
  }
}

async function* pickFrom(
  source: ByteSource,
  wanted: (path: string) => boolean,
): AsyncGenerator<Uint8Array> {
  /** The records of the entry that comes, as they are in the stream. */
  let ahead: Uint8Array[] = [];
  let told: Told = {};
  for (;;) {
    const header = await source.need(blockBytes);
    if (header.every((byte) => byte === 0)) break;
    const type = header.toString("latin1", 156, 157);
    const size = withContent.has(type) ? (told.size ?? numberAt(header, 124, 12)) : 0;
    const padded = Math.ceil(size / blockBytes) * blockBytes;
    if (records.has(type)) {
      if (size > mostRecordBytes) throw new Error(`a record of the tar stream has ${size} bytes`);
      const content = await source.need(padded);
      ahead.push(header, content);
      told = { ...told, ...recordOf(type, content.subarray(0, size)) };
      continue;
    }
    const keep = type !== "g" && wanted(trimmed(told.path ?? nameIn(header)));
    if (keep) yield* [...ahead, header];
    for await (const part of source.parts(padded)) if (keep) yield part;
    ahead = [];
    told = {};
  }
  // What comes after the end is read too: who sends it must not be cut off.
  await source.skipRest();
}

/** What a record tells of the entry that follows it. */
interface Told {
  path?: string;
  size?: number;
}

function recordOf(type: string, content: Buffer): Told {
  if (type === "K") return {};
  if (type === "L") return { path: textOf(content) };
  const told: Told = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) throw new Error("a record of the tar stream cannot be read");
    const [, key, value] =
      /^([^=]*)=(.*)\n$/s.exec(content.toString("utf8", space + 1, at + length)) ?? [];
    if (key === "path" && value !== undefined) told.path = value;
    if (key === "size") told.size = Number(value);
    at += length;
  }
  return told;
}

function nameIn(header: Buffer): string {
  const name = textOf(header.subarray(0, 100));
  const isPosix = header.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isPosix ? textOf(header.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function trimmed(path: string): string {
  return path.replace(/^(?:\.?\/)+/, "").replace(/\/+$/, "");
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString("utf8", 0, end < 0 ? field.length : end);
}

/** In octal, or where that is too short in binary, which its first bit tells. */
function numberAt(header: Buffer, at: number, width: number): number {
  const first = header[at] ?? 0;
  const value =
    first & 0x80
      ? Number(BigInt(`0x${header.toString("hex", at + 1, at + width)}`))
      : Number.parseInt(textOf(header.subarray(at, at + width)).trim() || "0", 8);
  if (Number.isSafeInteger(value)) return value;
  throw new Error("a size in the tar stream cannot be read");
}

/** A stream, read by numbers of bytes. */
interface ByteSource {
  /** The next bytes, as they come. @throws Error where there are fewer. */
  parts(bytes: number): AsyncGenerator<Buffer>;
  /** The next bytes, all at once. @throws Error where there are fewer. */
  need(bytes: number): Promise<Buffer>;
  skipRest(): Promise<void>;
  close(): Promise<void>;
}

function byteSource(stream: AsyncIterable<Uint8Array>): ByteSource {
  const chunks = stream[Symbol.asyncIterator]();
  let chunk: Buffer = Buffer.alloc(0);

  /** Some bytes, at most so many; undefined at the end. */
  async function some(most: number): Promise<Buffer | undefined> {
    while (chunk.length === 0) {
      const next = await chunks.next();
      if (next.done) return undefined;
      const { buffer, byteOffset, length } = next.value;
      chunk = Buffer.from(buffer, byteOffset, length);
    }
    const part = chunk.subarray(0, most);
    chunk = chunk.subarray(part.length);
    return part;
  }

  async function* parts(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0; ) {
      const part = await some(left);
      if (part === undefined) throw new Error("the tar stream has no end");
      left -= part.length;
      yield part;
    }
  }

  return {
    parts,
    async need(bytes) {
      const all: Buffer[] = [];
      for await (const part of parts(bytes)) all.push(part);
      return Buffer.concat(all);
    },
    async skipRest() {
      let part: Buffer | undefined;
      do part = await some(Number.MAX_SAFE_INTEGER);
      while (part !== undefined);
    },
    async close() {
      await chunks.return?.();
    },
  };
}
