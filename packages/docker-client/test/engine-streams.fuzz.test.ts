import { join } from "node:path";
import { Readable } from "node:stream";
import { frame, fuzz, jsonWords } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createDemultiplexer } from "../src/demultiplex.js";
import { parseEventLine } from "../src/event-line.js";
import { createEventLineReader } from "../src/event-lines.js";
import { readJsonLines } from "../src/json-lines.js";

const corpus = (name: string): string => join(import.meta.dirname, "corpus", name);

/** Bytes in pieces, as a socket may hand them over: their lengths follow from the bytes. */
function* piecesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const length = 1 + ((bytes[at] ?? 0) % 97);
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const frames = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 2, 3), fc.uint8Array({ maxLength: 200 })), {
    maxLength: 8,
  })
  .map((all) => Buffer.concat(all.map(([stream, data]) => frame(stream, Buffer.from(data)))));

const limit = 4096;

/** The frames of multiplexed output, read the plain way; undefined where it is none. */
function framesOf(bytes: Buffer): { text: string; whole: boolean } | undefined {
  let text = "";
  let at = 0;
  while (bytes.length - at >= 8) {
    const [stream, length] = [bytes.readUInt8(at), bytes.readUInt32BE(at + 4)];
    if (stream > 3 || bytes.readUIntBE(at + 1, 3) !== 0 || length > limit) return undefined;
    const end = Math.min(bytes.length, at + 8 + length);
    for (const byte of bytes.subarray(at + 8, end)) text += `${stream}:${byte} `;
    at += 8 + length;
  }
  return { text, whole: at === bytes.length };
}

test("multiplexed output is taken apart as its format says, or refused", async () => {
  const numbers = { stdin: 0, stdout: 1, stderr: 2, system: 3 } as const;
  await fuzz({
    corpus: corpus("multiplexed"),
    inputs: frames,
    words: [Buffer.alloc(4), Buffer.alloc(4, 0xff), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])],
    check(bytes) {
      const demultiplexer = createDemultiplexer(limit);
      let text = "";
      let refused = false;
      try {
        for (const piece of piecesOf(bytes)) {
          for (const { stream, data } of demultiplexer.push(piece)) {
            for (const byte of data) text += `${numbers[stream]}:${byte} `;
          }
        }
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused = true;
      }
      const expected = framesOf(bytes);
      expect(refused).toBe(expected === undefined);
      if (expected === undefined) return;
      expect(text).toBe(expected.text);
      expect(demultiplexer.atBoundary()).toBe(expected.whole);
    },
  });
});

const lines = fc
  .array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }), {
    maxLength: 5,
  })
  .map((all) => Buffer.from(all.map((object) => `${JSON.stringify(object)}\r\n`).join("")));

test("the JSON lines of a body are read one by one, and the first that is none ends it", async () => {
  await fuzz({
    corpus: corpus("json-lines"),
    inputs: lines,
    words: [...jsonWords, "\n", "\r\n", "\n\n"],
    async check(bytes) {
      const read: unknown[] = [];
      let failure: unknown;
      try {
        const body = Readable.from(piecesOf(bytes));
        for await (const object of readJsonLines(body)) read.push(object);
      } catch (error) {
        failure = error;
      }
      const expected: unknown[] = [];
      let good = true;
      for (const part of bytes.toString("latin1").split("\n")) {
        const text = Buffer.from(part, "latin1").toString("utf8").trim();
        if (text === "" || !good) continue;
        const value = parsed(text);
        good = typeof value === "object" && value !== null;
        if (good) expected.push(value);
      }
      expect(read).toEqual(expected);
      expect(failure === undefined).toBe(good);
      if (failure !== undefined) expect(failure).toBeInstanceOf(SyntaxError);
    },
  });
});

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const event = fc
  .record({
    Type: fc.constantFrom("container", "image", "network"),
    Action: fc.string({ maxLength: 20 }),
    Actor: fc.record({
      ID: fc.string({ maxLength: 64 }),
      Attributes: fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }),
    }),
    scope: fc.constant("local"),
    time: fc.nat(),
    timeNano: fc.nat(),
  })
  .map((value) => Buffer.from(`${JSON.stringify(value)}\n`));

test("a line of events is an event of the right types, or refused", async () => {
  await fuzz({
    corpus: corpus("events"),
    inputs: event,
    words: [...jsonWords, '"timeNano":', '"Actor":null', '"Attributes":7', "\n"],
    check(bytes) {
      const reader = createEventLineReader();
      for (const piece of piecesOf(bytes)) {
        for (const { text } of reader.push(piece)) {
          if (text.length > 128 * 1024) throw new RangeError(`${text.length} characters are kept`);
          checkEvent(text);
        }
      }
    },
  });
});

/** Without `expect`, which would take longer than all else: an input may have very many lines. */
function checkEvent(text: string): void {
  let read: ReturnType<typeof parseEventLine>;
  try {
    read = parseEventLine(text);
  } catch (error) {
    if (error instanceof SyntaxError) return;
    throw error;
  }
  const { Type, Action, Actor, scope = "", time, timeNano } = read;
  const { ID, Attributes } = Actor;
  const texts = [Type, Action, ID, scope, ...Object.values(Attributes)];
  if (
    texts.some((value) => typeof value !== "string") ||
    typeof time !== "number" ||
    typeof timeNano !== "bigint"
  ) {
    throw new TypeError(`${text} has members of other types`);
  }
}
