import { expect, test } from "@jest/globals";
import { briefMessage, maxErrorBytes } from "../src/messages/brief-message.js";

const euro = "€";

test("a message that fits stays as it is", () => {
  for (const text of ["", "no such container: abc", "x".repeat(maxErrorBytes), euro.repeat(1365)]) {
    expect(briefMessage(text)).toBe(text);
  }
});

test.each([
  ["of one byte", "x"],
  ["of two bytes", "é"],
  ["of three bytes", euro],
  ["of four bytes", "😀"],
])(
  "a longer one of characters %s is cut between characters, and keeps both ends",
  (_what, unit) => {
    for (let shift = 0; shift < 4; shift++) {
      const text = `begin${"-".repeat(shift)}${unit.repeat(50_000)}end`;
      const brief = briefMessage(text);
      expect(Buffer.byteLength(brief)).toBeLessThanOrEqual(maxErrorBytes);
      expect(brief).not.toContain("\ufffd");
      expect(brief.startsWith("begin")).toBe(true);
      expect(brief.endsWith(`${unit}end`)).toBe(true);
      expect(brief).toContain(String(Buffer.byteLength(text)));
    }
  },
);

test("half a surrogate pair, which no header can carry, is replaced", () => {
  expect(briefMessage("a\ud800b")).toBe("a\ufffdb");
  expect(() => encodeURIComponent(briefMessage("\udc00".repeat(10_000)))).not.toThrow();
});
