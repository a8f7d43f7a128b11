import { describe, expect, test } from "@jest/globals";
import {
  createLocalLogReader,
  findLocalLogEntry,
  type LocalLogEntry,
} from "../src/local-log-entry.js";
import { type LocalMessage, localLog } from "./local-log-file.js";

function readAll(file: Buffer): { messages: Required<LocalMessage>[]; rest: number } {
  const reader = createLocalLogReader();
  const messages: Required<LocalMessage>[] = [];
  let at = 0;
  while (reader.read(file, at, file.length) === "entry") {
    const { entry } = reader;
    messages.push(toMessage(entry, file));
    at = entry.next;
  }
  return { messages, rest: file.length - at };
}

function toMessage(entry: LocalLogEntry, file: Buffer): Required<LocalMessage> {
  return {
    stream: entry.stream,
    time: BigInt(entry.seconds) * 1_000_000_000n + BigInt(entry.nanos),
    line: file.subarray(entry.contentStart, entry.contentEnd),
    part: entry.partial ? "more" : "",
  };
}

describe("reading the files of Docker's local log driver", () => {
  test("finds stream, time, bytes and whether the line goes on, as an engine wrote them", () => {
    // Taken from Docker 28.5: "nonl" without a line feed, and an empty line.
    const empty = Buffer.from("0a067374646f757410f6ddb3c5d0d0acf518", "hex");
    const unfinished = Buffer.from(
      `0a067374646f7574109dc7afdad0d0acf5181a046e6f6e6c20012a441240${"61".repeat(64)}1801`,
      "hex",
    );
    const framed = [empty, unfinished].flatMap((entry) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(entry.length);
      return [length, entry, length];
    });
    const { messages, rest } = readAll(Buffer.concat(framed));
    expect(rest).toBe(0);
    expect(messages.map(({ line, part, stream }) => [stream, line.toString(), part])).toEqual([
      ["stdout", "", ""],
      ["stdout", "nonl", "more"],
    ]);
    expect(messages[0]?.time).toBe(1_795_443_685_906_509_558n);
  });

  test.each([
    0n,
    1n,
    999_999_999n,
    1_000_000_000n,
    1_700_000_000_123_456_789n,
    4_102_444_799_999_999_999n,
    (1n << 62n) + 12_345n,
  ])("keeps every nanosecond of %d", (time) => {
    const { messages } = readAll(localLog([{ stream: "stderr", time, line: Buffer.from("x") }]));
    expect(messages).toEqual([{ stream: "stderr", time, line: Buffer.from("x"), part: "" }]);
  });

  test("takes the last part of a line as its end", () => {
    const { messages } = readAll(
      localLog([
        { stream: "stdout", time: 5n, line: Buffer.alloc(16_384, 0x7a), part: "more" },
        { stream: "stdout", time: 5n, line: Buffer.from("end"), part: "last" },
      ]),
    );
    expect(messages.map(({ part }) => part)).toEqual(["more", ""]);
  });

  test("waits for the rest wherever a message is cut", () => {
    const file = localLog([{ stream: "stdout", time: 7n, line: Buffer.from("hello") }]);
    const reader = createLocalLogReader();
    for (let end = 0; end < file.length; end++) {
      expect(reader.read(file, 0, end)).toBe("incomplete");
    }
    expect(reader.read(file, 0, file.length)).toBe("entry");
  });

  test("finds the next message after one that was torn, at every cut", () => {
    const torn = localLog([{ stream: "stdout", time: 7n, line: Buffer.from("torn torn torn") }]);
    const good = localLog([{ stream: "stderr", time: 8n, line: Buffer.from("good") }]);
    const reader = createLocalLogReader();
    for (let cut = 1; cut < torn.length; cut++) {
      const file = Buffer.concat([torn.subarray(0, cut), good, good]);
      let at = 0;
      while (reader.read(file, at, file.length) !== "entry") {
        const found = findLocalLogEntry(reader, file, at, file.length);
        expect(found).toBeGreaterThan(at);
        at = found;
      }
      expect(at).toBe(cut);
    }
  });

  test("does not wait for bytes that only damage promises", () => {
    const good = localLog([{ stream: "stderr", time: 8n, line: Buffer.from("good") }]);
    // Eight bytes before the end of what was there at first: 0x2000 more would follow.
    const file = Buffer.concat([
      Buffer.alloc(20, 0xff),
      Buffer.from("0000200000520a06", "hex"),
      good,
    ]);
    const reader = createLocalLogReader();
    const at = findLocalLogEntry(reader, file, 0, 28);
    expect(at).toBe(20);
    expect(reader.read(file, at, file.length)).toBe("damaged");
    expect(findLocalLogEntry(reader, file, at, file.length)).toBe(28);
  });

  test("waits at the end of damage that no message follows yet", () => {
    const reader = createLocalLogReader();
    const file = Buffer.alloc(100, 0xff);
    const found = findLocalLogEntry(reader, file, 0, file.length);
    expect(found).toBe(92);
    expect(findLocalLogEntry(reader, file, found, file.length)).toBe(found);
  });
});
