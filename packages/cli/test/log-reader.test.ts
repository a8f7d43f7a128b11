import {
  appendFile,
  mkdtemp,
  open,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { type LogReaderOptions, readLog } from "../src/logs/log-reader.js";
import { findTailOffset } from "../src/logs/log-tail.js";

let dir: string;
let path: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-log-"));
  path = join(dir, "0.log");
});
afterEach(() => rm(dir, { recursive: true }));

const line = (text: string, tag = "F") => `2026-11-23T10:00:00Z stdout ${tag} ${text}\n`;
const textOf = (physical: Buffer) => physical.toString().split(" ").slice(3).join(" ");

async function readAll(options: Partial<LogReaderOptions> = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const each of readLog({ path, tail: undefined, ...options })) lines.push(textOf(each));
  return lines;
}

describe("a log that is only read", () => {
  test("gives every finished line", async () => {
    await writeFile(path, `${line("one")}${line("two")}2026-11-23T10:00:00Z stdout F unfini`);
    expect(await readAll()).toEqual(["one", "two"]);
  });

  test("gives lines that are longer than a block as they are", async () => {
    const long = "x".repeat(200_000);
    await writeFile(path, line("a") + line(long) + line("b"));
    expect(await readAll()).toEqual(["a", long, "b"]);
  });

  test("that is missing is an error", async () => {
    await expect(readAll()).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("the tail", () => {
  test.each([
    [0, []],
    [1, ["e"]],
    [2, ["c-", "-d", "e"]],
    [3, ["b", "c-", "-d", "e"]],
    [4, ["a", "b", "c-", "-d", "e"]],
    [99, ["a", "b", "c-", "-d", "e"]],
  ])("of %d counts lines written in parts once", async (tail, expected) => {
    await writeFile(path, line("a") + line("b") + line("c-", "P") + line("-d") + line("e"));
    expect(await readAll({ tail })).toEqual(expected);
  });

  test("does not count a line that is still being written", async () => {
    await writeFile(path, `${line("a")}${line("b")}2026-11-23T10:00:00Z stdout F unfini`);
    expect(await readAll({ tail: 1 })).toEqual(["b"]);
  });

  test("of an empty file is empty", async () => {
    await writeFile(path, "");
    expect(await readAll({ tail: 5 })).toEqual([]);
  });

  test.each([1, 2, 7, 40, 1_000])("is the same with blocks of %d bytes", async (blockBytes) => {
    const lines = Array.from({ length: 12 }, (_, index) => line("x".repeat(index * 5)));
    await writeFile(path, lines.join(""));
    const file = await open(path);
    try {
      expect(await findTailOffset(file, 3, blockBytes)).toBe(lines.slice(0, 9).join("").length);
    } finally {
      await file.close();
    }
  });
});

describe("a log that is followed", () => {
  /** Follows, and acts each time that a line of the given text has come. */
  async function follow(
    steps: Record<string, () => Promise<void>>,
    options: Partial<LogReaderOptions> = {},
  ): Promise<string[]> {
    const lines: string[] = [];
    let ended = false;
    const reader = readLog({
      path,
      tail: undefined,
      quietMs: 20,
      mayGrow: async () => !ended,
      ...options,
    });
    for await (const each of reader) {
      const text = textOf(each);
      lines.push(text);
      await steps[text]?.();
      if (text === "end") ended = true;
    }
    return lines;
  }

  test("gives lines as they are written, until the container has ended", async () => {
    await writeFile(path, line("one"));
    const lines = await follow({
      one: () => appendFile(path, line("two") + line("three")),
      three: () => appendFile(path, line("end")),
    });
    expect(lines).toEqual(["one", "two", "three", "end"]);
  });

  test("gives a line when it is finished, not before", async () => {
    await writeFile(path, line("one") + line("end").slice(0, -3));
    let asked = 0;
    const mayGrow = async () => {
      asked += 1;
      if (asked === 1) await appendFile(path, line("end").slice(-3));
      return asked < 3;
    };
    expect(await follow({}, { mayGrow })).toEqual(["one", "end"]);
  });

  test("goes on in the new file after a rotation, and loses nothing of the old one", async () => {
    await writeFile(path, line("one"));
    const lines = await follow({
      one: async () => {
        await rename(path, `${path}.1`);
        await appendFile(`${path}.1`, line("late in the old"));
        await writeFile(path, line("new"));
      },
      new: () => appendFile(path, line("end")),
    });
    expect(lines).toEqual(["one", "late in the old", "new", "end"]);
  });

  test("begins again after the file was truncated", async () => {
    await writeFile(path, line("a longer first line"));
    const lines = await follow({
      "a longer first line": async () => {
        await truncate(path);
        await appendFile(path, line("end"));
      },
    });
    expect(lines).toEqual(["a longer first line", "end"]);
  });

  test("goes through a symbolic link, as to Docker's json-file", async () => {
    const target = join(await mkdtemp(join(dir, "docker-")), "json.log");
    await writeFile(target, line("one"));
    await symlink(target, path);
    const lines = await follow({ one: () => appendFile(target, line("end")) });
    expect(lines).toEqual(["one", "end"]);
  });

  test("may begin before there is a file", async () => {
    let asked = 0;
    const lines = await follow(
      {},
      {
        mayGrow: async () => {
          asked += 1;
          if (asked === 1) await writeFile(path, line("end"));
          return asked < 3;
        },
      },
    );
    expect(lines).toEqual(["end"]);
  });

  test("gives the last lines first when asked for a tail", async () => {
    await writeFile(path, line("a") + line("b") + line("c"));
    const lines = await follow({ c: () => appendFile(path, line("end")) }, { tail: 1 });
    expect(lines).toEqual(["c", "end"]);
  });
});
