import { describe, expect, test } from "@jest/globals";
import { createCriLogLines, lineRoom } from "../src/cri-log-lines.js";
import { createLocalLogReader } from "../src/local-log-entry.js";
import { type LocalMessage, localLog } from "./local-log-file.js";

function lines(messages: readonly Partial<LocalMessage>[], tty = false): string {
  const file = localLog(
    messages.map((message) => ({ stream: "stdout", time: 0n, line: Buffer.alloc(0), ...message })),
  );
  const reader = createLocalLogReader();
  const writer = createCriLogLines({ tty });
  const target = Buffer.alloc(
    messages.reduce((sum, { line }) => sum + lineRoom(line?.length ?? 0), 0),
  );
  let end = 0;
  for (let at = 0; at < file.length; at = reader.entry.next) {
    expect(reader.read(file, at, file.length)).toBe("entry");
    end = writer.write(reader.entry, file, target, end);
  }
  return target.toString("latin1", 0, end);
}

describe("lines of the CRI log format", () => {
  test("carry Docker's time in nanoseconds, all nine digits", () => {
    expect(lines([{ time: 1_795_443_681_000_000_050n, line: Buffer.from("hi") }])).toBe(
      "2026-11-23T14:21:21.000000050Z stdout F hi\n",
    );
    expect(lines([{ time: 999_999_999n }, { time: 1_000_000_000n }])).toBe(
      "1970-01-01T00:00:00.999999999Z stdout F \n1970-01-01T00:00:01.000000000Z stdout F \n",
    );
  });

  test("say P for a part and F for the last one", () => {
    const text = lines([
      { line: Buffer.from("a"), part: "more" },
      { line: Buffer.from("b"), part: "last" },
      { line: Buffer.from("c"), stream: "stderr" },
    ]);
    expect(text.split("\n").map((line) => line.slice(31))).toEqual([
      "stdout P a",
      "stdout F b",
      "stderr F c",
      "",
    ]);
  });

  test("keep every byte value", () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, value) => value)).filter(
      (value) => value !== 0x0a,
    );
    const text = lines([{ line: Buffer.from(bytes) }]);
    expect(Buffer.from(text, "latin1").subarray(40, -1)).toEqual(Buffer.from(bytes));
  });

  test("keep a program's own CR, and drop the one that a terminal adds at the end", () => {
    const message = { line: Buffer.from("a\rb\r") };
    expect(lines([message])).toMatch(/ F a\rb\r\n$/);
    expect(lines([message], true)).toMatch(/ F a\rb\n$/);
    expect(lines([{ line: Buffer.from("a\r"), part: "more" }], true)).toMatch(/ P a\r\n$/);
  });

  test.each([16_384, 16_385, 32_768, 40_000])("cut %d bytes in pieces of 16 KiB", (length) => {
    const pieces = lines([{ line: Buffer.alloc(length, 0x7a) }])
      .split("\n")
      .slice(0, -1);
    const contents = pieces.map((piece) => piece.slice(40));
    expect(contents.join("")).toBe("z".repeat(length));
    expect(contents.slice(0, -1).every((content) => content.length === 16_384)).toBe(true);
    expect(pieces.map((piece) => piece[38]).join("")).toBe(`${"P".repeat(pieces.length - 1)}F`);
  });
});
