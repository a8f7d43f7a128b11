import { describe, expect, test } from "@jest/globals";
import { parseLogLine } from "../src/logs/log-line.js";
import { parseTimestamp } from "../src/logs/log-timestamp.js";

const parse = (line: string | Buffer) => parseLogLine(Buffer.from(line));
const time = "2026-11-23T10:00:00.123456789Z";
const timeNs = BigInt(Date.UTC(2026, 10, 23, 10)) * 1_000_000n + 123_456_789n;

describe("CRI's format", () => {
  test("has time, stream, tag and content", () => {
    expect(parse(`${time} stdout F hello  world `)).toEqual({
      timestamp: time,
      timestampNs: timeNs,
      stream: "stdout",
      content: Buffer.from("hello  world "),
      complete: true,
    });
  });

  test.each([
    ["P", false],
    ["P:x", false],
    ["F", true],
    ["F:P", true],
  ])("the tag %s says whether the line is complete: %p", (tag, complete) => {
    expect(parse(`${time} stderr ${tag} part`)).toMatchObject({ stream: "stderr", complete });
  });

  test("keeps an empty line, and bytes that are not UTF-8", () => {
    expect(parse(`${time} stdout F `)?.content).toEqual(Buffer.alloc(0));
    const bytes = Buffer.from([0xff, 0xfe, 0x20]);
    expect(parse(Buffer.concat([Buffer.from(`${time} stdout F `), bytes]))?.content).toEqual(bytes);
  });
});

describe("Docker's json-file format", () => {
  test("has the line feed of a complete line in its text", () => {
    const line = JSON.stringify({ log: "hé\tllo\n", stream: "stderr", time });
    expect(parse(line)).toEqual({
      timestamp: time,
      timestampNs: timeNs,
      stream: "stderr",
      content: Buffer.from("hé\tllo"),
      complete: true,
    });
  });

  test("a text without a line feed is a part", () => {
    expect(parse(JSON.stringify({ log: "ab", stream: "stdout", time }))?.complete).toBe(false);
  });
});

test.each([
  "",
  "just text",
  `${time} stdout`,
  `${time} stdin F x`,
  "2026-11-23 stdout F x",
  "2026-99-23T10:00:00Z stdout F x",
  "{",
  '{"log":"x","stream":"stdout"}',
  '{"log":1,"stream":"stdout","time":"2026-11-23T10:00:00Z"}',
])("%p is in neither format", (line) => {
  expect(parse(line)).toBeUndefined();
});

test.each([
  ["1970-01-01T00:00:00Z", 0n],
  ["1970-01-01T00:00:01.5Z", 1_500_000_000n],
  ["1970-01-01T02:00:00.000000001+02:00", 1n],
])("%s is %d ns", (text, ns) => {
  expect(parseTimestamp(text)).toBe(ns);
});
