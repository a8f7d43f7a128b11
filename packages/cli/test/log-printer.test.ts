import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { parseLogLine } from "../src/logs/log-line.js";
import { createLogPrinter } from "../src/logs/log-printer.js";
import { parseTimestamp } from "../src/logs/log-timestamp.js";

const lines = [
  "2026-11-23T10:00:00Z stdout P one, ",
  "2026-11-23T10:00:01Z stderr F other",
  "2026-11-23T10:00:02Z stdout F two",
  "2026-11-23T10:00:03Z stdout F three",
];

async function print(timestamps: boolean, since?: string) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const sinceNs = since ? (parseTimestamp(since) ?? 0n) : 0n;
  const printer = createLogPrinter({ timestamps, sinceNs }, { stdout, stderr });
  for (const line of lines) {
    const entry = parseLogLine(Buffer.from(line));
    if (entry) await printer(entry);
  }
  return [stdout, stderr].map((stream) => String(stream.read() ?? ""));
}

test("parts of a line are joined, each stream by itself", async () => {
  expect(await print(false)).toEqual(["one, two\nthree\n", "other\n"]);
});

test("a timestamp stands at the beginning of a line only", async () => {
  expect(await print(true)).toEqual([
    "2026-11-23T10:00:00Z one, two\n2026-11-23T10:00:03Z three\n",
    "2026-11-23T10:00:01Z other\n",
  ]);
});

test("what is older than asked for is left out", async () => {
  expect(await print(false, "2026-11-23T10:00:02Z")).toEqual(["two\nthree\n", ""]);
});
