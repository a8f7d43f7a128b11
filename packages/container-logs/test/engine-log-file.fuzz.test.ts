import { join } from "node:path";
import { fuzz } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createCopiedBefore } from "../src/copied-before.js";
import { createCopyBuffers, createEntryConversion } from "../src/entry-conversion.js";
import { type LocalMessage, localLog } from "./local-log-file.js";

const line = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std(out|err) [FP] /;

const messages: fc.Arbitrary<LocalMessage[]> = fc.array(
  fc.record({
    stream: fc.constantFrom("stdout" as const, "stderr" as const),
    time: fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    // A message has one line: its line feed is not stored.
    line: fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 10 ? 13 : byte)))),
    part: fc.constantFrom("" as const, "more" as const, "last" as const),
  }),
  { maxLength: 8 },
);

/** Files of some messages, and of so many that a step cannot take all of them. */
const files = fc
  .tuple(messages, fc.oneof(fc.constant(1), fc.nat(3_000)))
  .map(([some, times]) => Buffer.concat(Array(times).fill(localLog(some))).subarray(0, 200_000));

const bufferBytes = 64 * 1024;

/** Copies a file that has grown in steps to these lengths, as the log thread does. */
function copyOf(file: Buffer, lengths: readonly number[]): Buffer {
  const buffers = createCopyBuffers(bufferBytes);
  const convert = createEntryConversion(
    { tty: false, copied: createCopiedBefore(), onProblem: () => undefined },
    buffers,
  );
  const made: Buffer[] = [];
  let at = 0;
  for (const end of [...lengths, file.length]) {
    for (;;) {
      const length = file.copy(buffers.input, 0, at, Math.min(end, at + bufferBytes));
      const { consumed, produced } = convert(length);
      expect(consumed).toBeLessThanOrEqual(length);
      expect(produced).toBeLessThanOrEqual(buffers.output.length);
      made.push(Buffer.from(buffers.output.subarray(0, produced)));
      at += consumed;
      if (consumed === 0 || at === end) break;
    }
  }
  return Buffer.concat(made);
}

test("any bytes in the engine's log file become whole lines of CRI's format, and no more", async () => {
  await fuzz({
    corpus: join(import.meta.dirname, "corpus/engine-log-file"),
    inputs: files,
    words: [Buffer.from([0, 0, 0, 18]), Buffer.from("\n\x06stdout\x10", "latin1")],
    check(file) {
      const copy = copyOf(file, []);
      expect(copy.length === 0 || copy.at(-1) === 0x0a).toBe(true);
      // Damage may contain line feeds of its own; each stands in the content of some line.
      if (copy.length > 0) expect(copy.toString("latin1")).toMatch(line);
      expect(copy.length).toBeLessThanOrEqual(3 * file.length);
    },
  });
});

test("where a file was cut while it grew leaves no trace in the copy", async () => {
  await fuzz({
    corpus: join(import.meta.dirname, "corpus/engine-log-file"),
    inputs: files,
    check(file) {
      const whole = copyOf(file, []).toString("latin1");
      const cuts = [1, 2, 3].map((part) => Math.floor((file.length * part) / 4));
      expect(copyOf(file, cuts).toString("latin1")).toBe(whole);
    },
  });
});

test("what Docker wrote comes back line by line", async () => {
  await fc.assert(
    fc.property(messages, (written) => {
      const lines = copyOf(localLog(written), []).toString("latin1").split("\n").slice(0, -1);
      expect(lines.map((text) => text.replace(line, ""))).toEqual(
        written.map((message) => message.line.toString("latin1")),
      );
    }),
  );
});
