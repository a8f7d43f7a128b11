import { frame } from "@dockershim/testing";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createDemultiplexer } from "../src/demultiplex.js";

const frames = fc.array(
  fc.record({ stream: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 40 }) }),
  { minLength: 1, maxLength: 12 },
);

describe("taking multiplexed output apart", () => {
  test("frames come out whole and in order, however the bytes were cut", () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 17 })), (input, cuts) => {
        const bytes = Buffer.concat(input.map((f) => frame(f.stream, Buffer.from(f.data))));
        const demultiplexer = createDemultiplexer();
        const output: { stream: string; data: string }[] = [];
        let parts: Buffer[] = [];
        let at = 0;
        for (let i = 0; at < bytes.length; i++) {
          const length = cuts.length === 0 ? bytes.length : (cuts[i % cuts.length] ?? 1);
          for (const piece of demultiplexer.push(bytes.subarray(at, at + length))) {
            parts.push(piece.data);
            if (piece.last) {
              output.push({ stream: piece.stream, data: Buffer.concat(parts).toString("hex") });
              parts = [];
            }
          }
          at += length;
        }
        expect(demultiplexer.atBoundary()).toBe(true);
        expect(output).toEqual(
          input.map((f) => ({
            stream: f.stream === 1 ? "stdout" : "stderr",
            data: Buffer.from(f.data).toString("hex"),
          })),
        );
      }),
    );
  });

  test.each([1, 7, 8, 9])("after %i bytes of a frame the input may not end", (length) => {
    const demultiplexer = createDemultiplexer();
    demultiplexer.push(frame(1, "ab").subarray(0, length));
    expect(demultiplexer.atBoundary()).toBe(false);
  });

  test.each([
    ["an unknown stream", Buffer.from([9, 0, 0, 0, 0, 0, 0, 1])],
    ["text", Buffer.from("plain text of a terminal")],
    ["a frame beyond the limit", Buffer.from([1, 0, 0, 0, 0, 0, 4, 1])],
  ])("%s is refused instead of being waited for", (_what, bytes) => {
    expect(() => createDemultiplexer(1024).push(bytes)).toThrow(RangeError);
  });
});
