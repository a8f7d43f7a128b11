import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pickEntries } from "../src/checkpoint/tar-entries.js";

const long = `${"folder/".repeat(20)}${"n".repeat(120)}`;
let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "entries-"));
  mkdirSync(join(dir, "in", "folder/".repeat(20)), { recursive: true });
  writeFileSync(join(dir, "in", "big"), Buffer.alloc(10_000, "b"));
  writeFileSync(join(dir, "in", "empty"), "");
  writeFileSync(join(dir, "in", long), "long");
  symlinkSync("big", join(dir, "in", "link"));
});

afterAll(() => rmSync(dir, { recursive: true }));

function tarOf(...args: readonly string[]): Buffer {
  return execFileSync("tar", ["-C", join(dir, "in"), ...args, "-c", "--sort=name", "."]);
}

/** The archive in pieces of that many bytes. */
async function* pieces(tar: Buffer, bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < tar.length; at += bytes) yield tar.subarray(at, at + bytes);
}

async function pick(
  tar: Buffer,
  wanted: (path: string) => boolean,
  bytes = 65_536,
): Promise<Buffer> {
  return await buffer(pickEntries(pieces(tar, bytes), wanted));
}

/** What tar makes of picked entries, by their names. */
function listed(entries: Buffer): string[] {
  const names = execFileSync("tar", ["-t"], {
    input: Buffer.concat([entries, Buffer.alloc(1024)]),
  });
  return names.toString().split("\n").filter(Boolean);
}

describe.each(["--format=gnu", "--format=pax"])("of an archive with %s", (format) => {
  test.each([1, 511, 512, 513, 65_536])(
    "entries are picked byte for byte, of %i bytes at once",
    async (size) => {
      const tar = tarOf(format);
      const all = await pick(tar, () => true, size);
      expect(tar.subarray(0, all.length).equals(all)).toBe(true);
      expect(tar.subarray(all.length).every((byte) => byte === 0)).toBe(true);
      expect(listed(await pick(tar, (path) => path === "big" || path === long, size))).toEqual([
        "./big",
        `./${long}`,
      ]);
    },
  );

  test("folders and links are asked for by their paths too", async () => {
    const seen: string[] = [];
    await pick(tarOf(format), (path) => {
      seen.push(path);
      return false;
    });
    expect(seen).toEqual(expect.arrayContaining(["", "big", "empty", "folder", "link", long]));
  });
});

test("extended attributes stay, whatever bytes they have", async () => {
  // The capability to bind low ports, as setcap writes it; its bytes are no text.
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const record = Buffer.concat([Buffer.from("SCHILY.xattr.security.capability="), capability]);
  const length = record.length + 4;
  const content = Buffer.concat([Buffer.from(`${length} `), record, Buffer.from("\n")]);
  expect(content).toHaveLength(length);
  const plain = tarOf("--format=ustar", "--exclude=./folder");
  const header = Buffer.from(plain.subarray(0, 512));
  header.write("x", 156, "latin1");
  header.write(content.length.toString(8).padStart(11, "0"), 124, "latin1");
  const padded = Buffer.concat([content, Buffer.alloc(512 - content.length)]);
  const entries = await pick(Buffer.concat([header, padded, plain]), (path) => path === "");
  expect(entries.subarray(512, 1024).equals(padded)).toBe(true);
  expect(entries).toHaveLength(1536);
});

test("a size beyond octal is read", async () => {
  const tar = tarOf("--format=gnu");
  const at = tar.indexOf("./big");
  tar.fill(0, at + 124, at + 136);
  tar[at + 124] = 0x80;
  tar.writeUInt32BE(10_000, at + 132);
  expect((await pick(tar, (path) => path === "big")).length).toBe(512 + 10_240);
});

test("a stream that is cut is an error, and its source is closed", async () => {
  const tar = tarOf("--format=gnu");
  const whole = await pick(tar, () => true);
  for (const bytes of [0, 100, 512, 5_000, whole.length]) {
    await expect(pick(tar.subarray(0, bytes), () => true)).rejects.toThrow("has no end");
  }
  let closed = false;
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield tar.subarray(0, 1024);
    } finally {
      closed = true;
    }
  }
  for await (const _ of pickEntries(endless(), () => true)) break;
  expect(closed).toBe(true);
});

test.each([
  ["a size that is no number", 124, "nonsense"],
  ["a record of a gigabyte", 124, "10000000000\0"],
])("%s is refused", async (_name, at, text) => {
  const tar = tarOf("--format=pax");
  tar.write(text, at, "latin1");
  tar.write("x", 156, "latin1");
  await expect(pick(tar, () => true)).rejects.toThrow(/tar stream/);
});
