import { describe, expect, test } from "@jest/globals";
import { findById } from "../src/state/id-lookup.js";

const first = `abc1${"0".repeat(60)}`;
const second = `abc2${"0".repeat(60)}`;
const unknown = "f".repeat(64);

function find(id: string): { readonly id: string } | undefined {
  const records = new Map([first, second].map((known) => [known, { id: known }]));
  return findById(
    {
      field: "container_id",
      kind: "container",
      get: (known) => records.get(known),
      all: () => records.values(),
    },
    id,
  );
}

describe("a record is found", () => {
  test("by its whole id", () => expect(find(first)?.id).toBe(first));
  test.each(["abc1", first.slice(0, 12), first.slice(0, 13), first.slice(0, 63)])(
    "by the beginning %s",
    (prefix) => expect(find(prefix)?.id).toBe(first),
  );
});

test.each([unknown, "e1356c10-2115-4886-a43f-a4aa33a9fa43"])(
  "a whole id that is unknown, be it ours or not, is nothing that went wrong: %s",
  (id) => expect(find(id)).toBeUndefined(),
);

test.each([
  ["", "invalid_argument", "container_id: must not be empty"],
  [
    "abc",
    "invalid_argument",
    'container_id: more than one container has an id that begins with "abc"',
  ],
  ["abd", "not_found", "container_id: no container abd"],
  ["a/b", "invalid_argument", 'container_id: "a/b" is not an id'],
])("%j is refused with %s", (id, code, message) => {
  expect(() => find(id)).toThrow(expect.objectContaining({ code, message }));
});
