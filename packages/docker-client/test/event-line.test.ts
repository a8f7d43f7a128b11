import { expect, test } from "@jest/globals";
import { formatNanos, parseEventLine } from "../src/event-line.js";

test("the time in nanoseconds is exact", () => {
  const line =
    '{"Type":"container","Action":"die","Actor":{"ID":"c","Attributes":{"exitCode":"0"}},"scope":"local","time":1700000000,"timeNano":1700000000123456789}';
  expect(parseEventLine(line)).toEqual({
    Type: "container",
    Action: "die",
    Actor: { ID: "c", Attributes: { exitCode: "0" } },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_123_456_789n,
  });
});

test("a label that looks like the time is not taken for it", () => {
  const label = '"timeNano":1,';
  const line = JSON.stringify({
    Type: "container",
    Action: "create",
    Actor: { ID: "c", Attributes: { label } },
    time: 7,
    timeNano: 7_000_000_005,
  });
  expect(parseEventLine(line).timeNano).toBe(7_000_000_005n);
});

test("an event without nanoseconds gets those of its second", () => {
  expect(parseEventLine('{"Type":"image","Action":"pull","time":5}')).toMatchObject({
    Actor: { ID: "", Attributes: {} },
    timeNano: 5_000_000_000n,
  });
});

test.each(["{", "null", "[]", "{}"])("%s is no event", (line) => {
  expect(() => parseEventLine(line)).toThrow(SyntaxError);
});

test.each([
  [1_700_000_000_000_000_001n, "1700000000.000000001"],
  [999n, "0.000000999"],
])("%s ns is asked for as %s", (nanos, text) => {
  expect(formatNanos(nanos)).toBe(text);
});
