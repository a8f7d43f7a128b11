import { describe, expect, test } from "@jest/globals";
import { collectLabelSelector, parseLabelSelector } from "../src/objects/label-selector.js";

const things: Record<string, Record<string, string>> = {
  web: { app: "web", tier: "front", "example.com/track": "stable" },
  api: { app: "api", tier: "back", empty: "" },
  bare: {},
};

const chosen = (matches: (labels: Record<string, string>) => boolean) =>
  Object.keys(things).filter((name) => matches(things[name] ?? {}));

// What kubectl chooses with these.
test.each([
  ["app=web", ["web"]],
  ["app==web", ["web"]],
  [" app = web ", ["web"]],
  ["app=web,tier=front", ["web"]],
  ["app=web,tier=back", []],
  ["app!=web", ["api", "bare"]],
  ["app in (web,api)", ["web", "api"]],
  ["app in ( web , api ),tier=back", ["api"]],
  ["app notin (web)", ["api", "bare"]],
  ["app", ["web", "api"]],
  ["!app", ["bare"]],
  ["! app", ["bare"]],
  ["app,!empty", ["web"]],
  ["example.com/track=stable", ["web"]],
  ["empty=", ["api"]],
  ["empty!=", ["web", "bare"]],
  ["empty in (x,)", ["api"]],
  ["in in (a)", []],
  ["constructor", []],
  ["", ["web", "api", "bare"]],
])("%j chooses %j", (text, expected) => {
  expect(chosen(parseLabelSelector(text).matches)).toEqual(expected);
});

test("several selectors all have to hold", () => {
  const selector = collectLabelSelector("!empty", collectLabelSelector("app"));
  expect(chosen(selector.matches)).toEqual(["web"]);
});

test.each([
  ["app=web,tier==front", { app: "web", tier: "front" }],
  ["app in (web)", { app: "web" }],
  ["app!=web,app in (a,b),x,!y,z notin (a),e=", {}],
])("of %j, CRI's filter can do %j", (text, equal) => {
  expect(parseLabelSelector(text).equal).toEqual(equal);
});

describe("what cannot be read is refused", () => {
  test.each([
    ["=web", '"=" is out of place'],
    ["app=web,", "it ends too early"],
    [",app", '"," is out of place'],
    ["app web", '"web" is out of place'],
    ["app=web tier=front", '"tier" is out of place'],
    ["app===web", '"=" is out of place'],
    ["app>1", '"app>1" can be no label\'s name'],
    ["app in web", '"web" is out of place, "(" should be there'],
    ["app in (web", 'it ends too early, "," or ")" should be there'],
    ["!app=web", '"=" is out of place'],
    ["!", "it ends too early"],
    ["-app=web", '"-app" can be no label\'s name'],
    ["a/b/c=d", '"a/b/c" can be no label\'s name'],
    ["app=we*b", '"we*b" can be no label\'s value'],
    [`app=${"x".repeat(64)}`, "can be no label's value"],
  ])("%j", (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(`--label: cannot read "${text}": `);
    expect(() => parseLabelSelector(text)).toThrow(message);
  });
});
