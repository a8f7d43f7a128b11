import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseTimestamp } from "../src/index.js";

describe("a timestamp", () => {
  test("comes out exact to the nanosecond", () => {
    const first = Date.UTC(1970, 0, 1, 0, 0, 1) / 1000;
    const last = Date.UTC(9999, 11, 31) / 1000;
    const seconds = fc.integer({ min: first, max: last });
    const nanos = fc.integer({ min: 0, max: 999_999_999 });
    fc.assert(
      fc.property(seconds, nanos, (s, n) => {
        const whole = new Date(s * 1000).toISOString().slice(0, 19);
        // Docker drops zeros at the end of the fraction.
        const fraction = String(n).padStart(9, "0").replace(/0+$/, "");
        const text = `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
        expect(parseTimestamp(text)).toBe(BigInt(s) * 1_000_000_000n + BigInt(n));
      }),
    );
  });

  test.each([
    [
      "2026-11-23T10:00:00.5+01:30",
      BigInt(Date.UTC(2026, 10, 23, 8, 30)) * 1_000_000n + 500_000_000n,
    ],
    ["2026-11-23T10:00:00-02:00", BigInt(Date.UTC(2026, 10, 23, 12)) * 1_000_000n],
    ["0001-01-01T00:00:00Z", 0n],
    ["1969-12-31T23:59:59.9Z", 0n],
    ["2026-13-45T00:00:00Z", 0n],
    ["2026-11-23", 0n],
    ["", 0n],
  ])("%j is %d", (text, expected) => {
    expect(parseTimestamp(text)).toBe(expected);
  });
});
