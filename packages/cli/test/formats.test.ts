import { describe, expect, test } from "@jest/globals";
import { formatAge } from "../src/output/age.js";
import { formatBinaryBytes, formatBytes } from "../src/output/byte-size.js";
import { formatDuration, parseDuration } from "../src/output/duration.js";
import { shortId } from "../src/output/short-id.js";
import { formatTable } from "../src/output/table.js";
import { wrapText } from "../src/output/wrap-text.js";

const now = Date.UTC(2026, 10, 23, 12);
const ago = (seconds: number) => BigInt(now - seconds * 1_000) * 1_000_000n;

test.each([
  [0, "0s"],
  [119, "119s"],
  [120, "2m"],
  [125, "2m5s"],
  [600, "10m"],
  [3 * 3_600 - 1, "179m"],
  [3 * 3_600 + 60, "3h1m"],
  [8 * 3_600 + 60, "8h"],
  [47 * 3_600, "47h"],
  [3 * 86_400 + 4 * 3_600, "3d4h"],
  [30 * 86_400, "30d"],
  [800 * 86_400, "2y70d"],
  [9 * 365 * 86_400, "9y"],
  // A clock that is behind the node's must not show a negative age.
  [-5, "0s"],
])("an age of %d s is shown as %s", (seconds, shown) => {
  expect(formatAge(ago(seconds), now)).toBe(shown);
});

test("a time that was never set has no age", () => {
  expect(formatAge(0n, now)).toBe("<unknown>");
});

test.each([
  [0n, "0B"],
  [999n, "999B"],
  [1_000n, "1kB"],
  [4_268_000n, "4.27MB"],
  [999_600_000n, "1GB"],
  [187_000_000_000n, "187GB"],
  [5_000_000_000_000_000n, "5000TB"],
])("%d bytes are shown as %s", (bytes, shown) => {
  expect(formatBytes(bytes)).toBe(shown);
});

test.each([
  [0n, "0B"],
  [1_023n, "1023B"],
  [1_024n, "1Ki"],
  [13_107_200n, "12.5Mi"],
  [1_073_000_000n, "1023Mi"],
  [1_073_741_823n, "1Gi"],
])("%d bytes are shown as %s in binary units", (bytes, shown) => {
  expect(formatBinaryBytes(bytes)).toBe(shown);
});

describe("durations", () => {
  test.each([
    ["30s", 30_000],
    ["500ms", 500],
    ["1m30s", 90_000],
    ["1h30m", 5_400_000],
    ["1.5h", 5_400_000],
    ["1m0s", 60_000],
    [".5s", 500],
    ["250us", 0.25],
    ["1\u00b5s", 0.001],
    ["0", 0],
  ])("%s is read as %d ms", (text, ms) => {
    expect(parseDuration(text, "--since")).toBe(ms);
  });

  test.each(["", "soon", "-1s", "5d", "1m 30s", "1e3", "s", "1m30"])(
    "%p is refused by name",
    (text) => {
      expect(() => parseDuration(text, "--since")).toThrow(/^--since: .* is no duration/);
    },
  );

  test.each(["30", "300000", "1.5", "-3"])("%p is refused for want of a unit", (text) => {
    expect(() => parseDuration(text, "--since")).toThrow(
      `--since: "${text}" has no unit: write 30s, 1m30s, 2h or 250ms`,
    );
  });

  test.each([0, 500, 1_000, 60_000, 90_000, 3_600_000, 5_400_000])(
    "%d ms are written so that they read back",
    (ms) => {
      expect(parseDuration(formatDuration(ms), "x")).toBe(ms);
    },
  );
});

test("an id is shown by its first 13 characters, without the algorithm", () => {
  const hex = "0123456789abcdef0123";
  expect(shortId(`sha256:${hex}`, false)).toBe("0123456789abc");
  expect(shortId(`sha256:${hex}`, true)).toBe(`sha256:${hex}`);
});

describe("a text", () => {
  test("is broken between words to fit a width", () => {
    const text = "one two three four five six seven";
    expect(wrapText(text, 20)).toEqual(["one two three four", "five six seven"]);
    expect(wrapText(text, 80)).toEqual([text]);
  });

  test("is broken within a word that is longer than a line", () => {
    const path = `/${"x".repeat(44)}`;
    expect(wrapText(`in ${path} now`, 20)).toEqual([
      "in",
      path.slice(0, 20),
      path.slice(20, 40),
      `${path.slice(40)} now`,
    ]);
  });

  test("has no line breaks of its own, and may be empty", () => {
    expect(wrapText("first\nsecond\u001b[31m", 80)).toEqual(["first second [31m"]);
    expect(wrapText("", 80)).toEqual([""]);
  });
});

describe("a table", () => {
  test("has columns as wide as their widest cell, and no trailing blanks", () => {
    const rows = [
      ["a", "Running", ""],
      ["longer", "Up", "x"],
    ];
    expect(formatTable(["id", "state", "pod"], rows)).toBe(
      ["ID       STATE     POD", "a        Running", "longer   Up        x", ""].join("\n"),
    );
  });

  test("keeps to one line for each row, whatever a value contains", () => {
    expect(formatTable(["message"], [["first\nsecond\u001b[31m\ttab"]])).toBe(
      "MESSAGE\nfirst second [31m tab\n",
    );
  });
});
