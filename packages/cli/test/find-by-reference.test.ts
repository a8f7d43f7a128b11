import { expect, test } from "@jest/globals";
import { CliError } from "../src/cli-error.js";
import { type Candidate, findByReference } from "../src/objects/find-by-reference.js";

const item = (id: string, name: string, pod: string, precedence: number): Candidate => ({
  id,
  names: [name, `${pod}/${name}`, `default/${pod}/${name}`],
  precedence,
  group: `default/${pod}`,
});

const items = [
  item("aaa111", "web", "front", 1),
  item("aaa222", "web", "front", 2),
  item("bbb111", "web", "back", 3),
  item("ccc111", "db", "back", 4),
  item("db0000", "cache", "back", 5),
];

const find = (reference: string) => findByReference(reference, items, "container").id;

test.each([
  ["aaa111", "aaa111"],
  ["ccc", "ccc111"],
  ["front/web", "aaa222"],
  ["default/back/web", "bbb111"],
  ["cache", "db0000"],
])("%s means %s", (reference, id) => {
  expect(find(reference)).toBe(id);
});

test("the beginning of an id comes before a name", () => {
  expect(find("db")).toBe("db0000");
});

test.each(["aaa", "web"])("%s is refused as ambiguous, with what it could be", (reference) => {
  expect(() => find(reference)).toThrow(
    /could be several containers: .*aaa222 \(default\/front\/web\)/,
  );
});

test.each(["", "zzz", "front/db"])("%p is not found", (reference) => {
  expect(() => find(reference)).toThrow(CliError);
  expect(() => find(reference)).toThrow(`no container has the id or name "${reference}"`);
});
