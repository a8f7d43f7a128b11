import { createInflate, type Inflate } from "node:zlib";
import { StreamingError } from "./errors.js";
import { spdyDictionary, spdyDictionaryAdler32 } from "./spdy-dictionary.js";

/** Headers by lower-case name; several values of one name are NUL-joined on the wire. */
export type SpdyHeaders = ReadonlyMap<string, readonly string[]>;

/** The largest header block accepted, in bytes after decompression. */
export const maxHeaderBlock: number = 64 * 1024;
/** The most headers accepted in a block. */
export const maxHeaders = 1000;

/** Lays headers out as SPDY/3 does: a count, then length-prefixed names and values. */
export function encodeHeaderBlock(headers: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(headers);
  const parts = [uint32(entries.length)];
  for (const [name, value] of entries) {
    for (const text of [name.toLowerCase(), value]) {
      const bytes = Buffer.from(text, "utf8");
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** Reads a decompressed header block; throws `protocol_error`. */
export function decodeHeaderBlock(block: Buffer): SpdyHeaders {
  let offset = 0;
  const readLength = (): number => {
    if (block.length - offset < 4) {
      throw new StreamingError("protocol_error", "truncated SPDY header block");
    }
    offset += 4;
    return block.readUInt32BE(offset - 4);
  };
  const readText = (): string => {
    const length = readLength();
    if (length > block.length - offset) {
      throw new StreamingError("protocol_error", "SPDY header longer than its block");
    }
    offset += length;
    return block.toString("utf8", offset - length, offset);
  };

  const count = readLength();
  if (count > maxHeaders) {
    throw new StreamingError("protocol_error", `${count} headers in a SPDY header block`);
  }
  const headers = new Map<string, string[]>();
  for (let index = 0; index < count; index++) {
    const name = readText().toLowerCase();
    const values = readText().split("\0");
    headers.set(name, [...(headers.get(name) ?? []), ...values]);
  }
  if (offset !== block.length) {
    throw new StreamingError("protocol_error", "bytes after the last SPDY header");
  }
  return headers;
}

/**
 * Compresses header blocks for one direction of a connection. SPDY wants one zlib stream with
 * the preset dictionary, flushed after each block. The blocks of a Kubernetes server are empty,
 * so they are put into stored deflate blocks: any inflater reads them, and a connection costs
 * no deflate context (256 KiB) and no trip to the thread pool.
 */
export class HeaderCompressor {
  #started = false;

  compress(block: Buffer): Buffer {
    const parts: Buffer[] = [];
    if (!this.#started) {
      this.#started = true;
      // Deflate, 32 KiB window, preset dictionary; the second byte includes RFC 1950's check.
      parts.push(Buffer.from([0x78, 0xf9]), uint32(spdyDictionaryAdler32));
    }
    for (let offset = 0; offset < block.length; offset += 0xffff) {
      const piece = block.subarray(offset, offset + 0xffff);
      parts.push(storedBlockHeader(piece.length), piece);
    }
    // The empty stored block is what Z_SYNC_FLUSH writes: Go's inflater hands out what it has
    // when it meets one, and hangs without it.
    parts.push(storedBlockHeader(0));
    return Buffer.concat(parts);
  }
}

/**
 * Decompresses the header blocks of one direction, one after the other. Inflation stops as soon
 * as a block exceeds {@link maxHeaderBlock}, whatever its compressed size.
 */
export class HeaderDecompressor {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary });
  #blockEnded: ((error: StreamingError | null) => void) | null = null;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor() {
    this.#inflate.on("readable", () => this.#collect());
    this.#inflate.on("error", (cause) =>
      this.#settle(
        new StreamingError("protocol_error", "undecodable SPDY header block", { cause }),
      ),
    );
    // The zlib stream lasts as long as the connection; a peer that ends it breaks the protocol.
    this.#inflate.on("end", () =>
      this.#settle(new StreamingError("protocol_error", "SPDY header compression ended early")),
    );
  }

  /** Decompresses the next block. Must not be called before the last call settled. */
  decompress(block: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#chunks = [];
      this.#length = 0;
      this.#blockEnded = (error) => {
        this.#blockEnded = null;
        if (error === null) {
          resolve(Buffer.concat(this.#chunks));
        } else {
          this.close();
          reject(error);
        }
        this.#chunks = [];
      };
      if (this.#inflate.destroyed || this.#inflate.readableEnded) {
        this.#settle(new StreamingError("protocol_error", "SPDY header compression has ended"));
        return;
      }
      this.#inflate.write(block, (error) => {
        if (error === null || error === undefined) {
          this.#collect();
          this.#settle(null);
        }
      });
    });
  }

  /** Frees the zlib context; a block under way never settles. */
  close(): void {
    this.#inflate.destroy();
  }

  #collect(): void {
    for (;;) {
      const chunk: Buffer | null = this.#inflate.read();
      if (chunk === null) return;
      this.#length += chunk.length;
      if (this.#length > maxHeaderBlock) {
        this.#settle(
          new StreamingError("protocol_error", `SPDY header block above ${maxHeaderBlock} bytes`),
        );
        return;
      }
      this.#chunks.push(chunk);
    }
  }

  #settle(error: StreamingError | null): void {
    this.#blockEnded?.(error);
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** RFC 1951, section 3.2.4: not the last block, stored, its length and the complement. */
function storedBlockHeader(length: number): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt16LE(length, 1);
  header.writeUInt16LE(length ^ 0xffff, 3);
  return header;
}
