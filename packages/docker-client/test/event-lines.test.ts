import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseEventLine } from "../src/event-line.js";
import { createEventLineReader, type EventLine } from "../src/event-lines.js";

const kib = 1024;

/** An event with its members in the engine's order. */
function eventOf(action: string, attributes: Record<string, string>): string {
  return JSON.stringify({
    status: action,
    id: "c1",
    from: "image",
    Type: "container",
    Action: action,
    Actor: { ID: "c1", Attributes: attributes },
    scope: "local",
    time: 1_700_000_000,
    timeNano: 1_700_000_000_000_000_000,
  });
}

/** Reads text that comes in pieces of the given length. */
function read(text: string, pieceLength: number = 64 * kib): EventLine[] {
  const reader = createEventLineReader();
  const bytes = Buffer.from(text);
  const lines: EventLine[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength) {
    lines.push(...reader.push(bytes.subarray(at, at + pieceLength)));
  }
  return lines;
}

function only<T>(list: readonly T[]): T {
  expect(list).toHaveLength(1);
  return list[0] as T;
}

describe("a line of ordinary length", () => {
  test("comes as it is, wherever it is cut", () => {
    const [a, b] = [eventOf("start", { name: "é€😀" }), eventOf("die", { exitCode: "0" })];
    for (const pieceLength of [1, 2, 3, 7, 100, 10_000]) {
      expect(read(`${a}\n${b}\n`, pieceLength)).toEqual([
        expect.objectContaining({ text: a, abridged: false }),
        expect.objectContaining({ text: b, abridged: false }),
      ]);
    }
  });

  test("has a digest of its own, and the same one whenever it comes", () => {
    const [a, b] = [eventOf("start", {}), eventOf("die", {})];
    const [first, second, third] = read(`${a}\n\n${b}\n${a}\n`).map(({ digest }) => digest);
    expect(first).toBe(third);
    expect(first).not.toBe(second);
  });

  test("is not there before its end", () => {
    expect(read(eventOf("start", {}))).toEqual([]);
  });
});

describe("a line that is too long", () => {
  test("loses its long labels and keeps all else", () => {
    const attributes = { a: "before", big: "x".repeat(5 * kib * kib), execID: "e1", exitCode: "3" };
    const line = only(read(`${eventOf("exec_die", attributes)}\n`));
    expect(line.abridged).toBe(true);
    expect(parseEventLine(line.text)).toEqual({
      Type: "container",
      Action: "exec_die",
      Actor: { ID: "c1", Attributes: { a: "before", execID: "e1", exitCode: "3" } },
      scope: "local",
      time: 1_700_000_000,
      timeNano: 1_700_000_000_000_000_000n,
    });
  });

  test.each([
    ["many short labels", 40_000, (i: number) => [`label-${i}`, "x".repeat(50)]],
    ["labels full of escapes", 40_000, (i: number) => [`"${i}\\`, '\\"\n<\u0001,}{][']],
    ["labels with long names", 500, (i: number) => ["n".repeat(5 * kib) + i, "v"]],
    ["characters of four bytes", 500, (i: number) => [`${i}`, "😀".repeat(2_000)]],
  ] as const)("of %s becomes an event in bounded memory", (_name, count, label) => {
    const labels = Object.fromEntries(Array.from({ length: count }, (_, i) => label(i)));
    const line = only(read(`${eventOf("start", labels)}\n`));
    expect(line.text.length).toBeLessThan(128 * kib);
    const { Type, Action, Actor } = parseEventLine(line.text);
    expect([Type, Action, Actor.ID]).toEqual(["container", "start", "c1"]);
    for (const [name, value] of Object.entries(Actor.Attributes)) expect(labels[name]).toBe(value);
  });

  test("of a long command keeps its beginning", () => {
    const action = `exec_create: sh -c ${'"\\'.repeat(300 * kib)}`;
    const line = only(read(`${eventOf(action, { execID: "e1" })}\n`));
    const { Action, Actor } = parseEventLine(line.text);
    expect(action.startsWith(Action)).toBe(true);
    expect(Action.length).toBeGreaterThan(2_000);
    expect(Actor).toEqual({ ID: "c1", Attributes: { execID: "e1" } });
  });

  test("is told from one that differs in what was left out", () => {
    const [a, b] = ["a", "b"].map((end) => eventOf("start", { x: "x".repeat(200 * kib) + end }));
    const [first, second, third] = read(`${a}\n${b}\n${a}\n`);
    expect(first?.text).toBe(second?.text);
    expect(first?.digest).not.toBe(second?.digest);
    expect(first?.digest).toBe(third?.digest);
  });

  test("that is no event leaves the next line as it is", () => {
    const next = eventOf("start", {});
    for (const nonsense of ["x", '"', "[", "{", "}", ",", "\\", '{"a":{"b":{"c":"'] as const) {
      const lines = read(`${nonsense.repeat(300 * kib)}\n${next}\n`);
      expect(lines.map(({ abridged }) => abridged)).toEqual([true, false]);
      expect(lines[0]?.text.length).toBeLessThanOrEqual(128 * kib);
      expect(() => parseEventLine(lines[0]?.text ?? "")).toThrow();
      expect(lines[1]?.text).toBe(next);
    }
  });

  test("is read the same wherever it is cut, and never tells what the engine did not", () => {
    const long = fc
      .string({ unit: "binary", minLength: 1, maxLength: 12 })
      .chain((unit) => fc.integer({ min: 0, max: 6_000 }).map((times) => unit.repeat(times)));
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "binary" }), fc.oneof(fc.string({ unit: "binary" }), long)),
        fc.integer({ min: 1, max: 70_000 }),
        (labels, pieceLength) => {
          const padded = { ...labels, padding: "x".repeat(130 * kib) };
          const full = eventOf("start", padded);
          const line = only(read(`${full}\n`, pieceLength));
          expect(line).toEqual(only(read(`${full}\n`)));
          const { Actor, ...rest } = parseEventLine(line.text);
          const { Actor: fullActor, ...fullRest } = parseEventLine(full);
          expect(rest).toEqual(fullRest);
          for (const [name, value] of Object.entries(Actor.Attributes)) {
            expect(fullActor.Attributes[name]).toBe(value);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
