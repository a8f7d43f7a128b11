import { constants, createDeflate, createInflate, type Deflate } from "node:zlib";
import { afterEach, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { spdyDictionary, spdyDictionaryAdler32 } from "../src/spdy-dictionary.js";
import {
  decodeHeaderBlock,
  encodeHeaderBlock,
  HeaderCompressor,
  HeaderDecompressor,
  maxHeaderBlock,
  maxHeaders,
} from "../src/spdy-headers.js";

const decompressors: HeaderDecompressor[] = [];
const deflaters: Deflate[] = [];

function decompressor(): HeaderDecompressor {
  const created = new HeaderDecompressor();
  decompressors.push(created);
  return created;
}

afterEach(() => {
  for (const each of decompressors.splice(0)) each.close();
  for (const each of deflaters.splice(0)) each.destroy();
});

/** Compresses as the peers do: one zlib stream, flushed after each block. */
function zlibCompressor(): (block: Buffer) => Promise<Buffer> {
  const deflate = createDeflate({ dictionary: spdyDictionary, level: 9 });
  deflaters.push(deflate);
  return (block) =>
    new Promise((resolve) => {
      deflate.write(block);
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(deflate.read() ?? Buffer.alloc(0)));
    });
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const protocolError = expect.objectContaining({ code: "protocol_error" });

describe("the SPDY/3 dictionary", () => {
  test("has the protocol's length and checksum", () => {
    let a = 1;
    let b = 0;
    for (const byte of spdyDictionary) {
      a = (a + byte) % 65_521;
      b = (b + a) % 65_521;
    }
    expect(spdyDictionary).toHaveLength(1423);
    expect((b * 65_536 + a) >>> 0).toBe(spdyDictionaryAdler32);
  });

  test("makes zlib produce the known first block of a peer at level 9", async () => {
    const compressed = await zlibCompressor()(encodeHeaderBlock({}));
    expect(compressed.toString("hex")).toBe("78f9e3c6a7c262000200000000ffff");
  });
});

describe("header blocks", () => {
  test("keep names in lower case and separate several values", () => {
    const block = encodeHeaderBlock({ StreamType: "stdin", multi: "a\0b" });
    expect(decodeHeaderBlock(block)).toEqual(
      new Map([
        ["streamtype", ["stdin"]],
        ["multi", ["a", "b"]],
      ]),
    );
  });

  test.each([
    ["an empty block", Buffer.alloc(0)],
    ["a missing header", uint32(1)],
    ["a name beyond the end", Buffer.concat([uint32(1), uint32(9), Buffer.from("abc")])],
    ["too many headers", Buffer.concat([uint32(maxHeaders + 1), Buffer.alloc(16_384)])],
    ["a huge length", Buffer.concat([uint32(1), uint32(0xffff_ffff)])],
    ["bytes after the end", Buffer.concat([encodeHeaderBlock({ a: "b" }), Buffer.alloc(1)])],
  ])("are refused with %s", (_name, block) => {
    expect(() => decodeHeaderBlock(block)).toThrow(protocolError);
  });

  test("are refused or read, never anything else, on random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeHeaderBlock(Buffer.from(bytes));
        } catch (error) {
          expect(error).toEqual(protocolError);
        }
      }),
    );
  });
});

describe("HeaderDecompressor", () => {
  test("reads block after block of a zlib peer", async () => {
    const compress = zlibCompressor();
    const reader = decompressor();
    for (let index = 0; index < 20; index++) {
      const block = encodeHeaderBlock({ streamtype: "data", requestid: String(index) });
      await expect(reader.decompress(await compress(block))).resolves.toEqual(block);
    }
  });

  test("stops inflating a header bomb", async () => {
    const bomb = await zlibCompressor()(Buffer.alloc(50 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(64 * 1024);
    await expect(decompressor().decompress(bomb)).rejects.toEqual(protocolError);
  });

  test("takes the largest block allowed and refuses one byte more", async () => {
    const compress = zlibCompressor();
    const reader = decompressor();
    const largest = Buffer.alloc(maxHeaderBlock, 1);
    await expect(reader.decompress(await compress(largest))).resolves.toEqual(largest);
    const larger = await compress(Buffer.alloc(maxHeaderBlock + 1, 2));
    await expect(reader.decompress(larger)).rejects.toEqual(protocolError);
  });

  test.each([
    ["garbage", Buffer.from("this is not zlib at all")],
    ["another dictionary", Buffer.from("78f90000000162000200000000ffff", "hex")],
    ["no dictionary and a broken block", Buffer.from("789c07", "hex")],
  ])("refuses %s", async (_name, bytes) => {
    await expect(decompressor().decompress(bytes)).rejects.toEqual(protocolError);
  });

  test("refuses a stream that ends, and everything after it", async () => {
    const deflate = createDeflate({ dictionary: spdyDictionary });
    deflaters.push(deflate);
    const whole = new Promise<Buffer>((resolve) => {
      const chunks: Buffer[] = [];
      deflate.on("data", (chunk: Buffer) => chunks.push(chunk));
      deflate.on("end", () => resolve(Buffer.concat(chunks)));
    });
    deflate.end(encodeHeaderBlock({}));
    const reader = decompressor();
    const ended = await whole;
    await expect(
      reader.decompress(Buffer.concat([ended, ended])).then(() => reader.decompress(ended)),
    ).rejects.toEqual(protocolError);
  });
});

describe("HeaderCompressor", () => {
  test("writes what any zlib reads, flushed after each block", async () => {
    const inflate = createInflate({ dictionary: spdyDictionary });
    const compressor = new HeaderCompressor();
    const blocks = [
      encodeHeaderBlock({}),
      encodeHeaderBlock({ streamtype: "error" }),
      Buffer.alloc(200_000, 7),
    ];
    for (const block of blocks) {
      const chunks: Buffer[] = [];
      inflate.on("data", (chunk: Buffer) => chunks.push(chunk));
      await new Promise<void>((resolve) => {
        inflate.write(compressor.compress(block), () => setImmediate(resolve));
      });
      inflate.removeAllListeners("data");
      expect(Buffer.concat(chunks).equals(block)).toBe(true);
    }
    inflate.destroy();
  });
});
