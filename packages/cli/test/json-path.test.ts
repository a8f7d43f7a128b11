import { expect, test } from "@jest/globals";
import { parseTemplate } from "../src/output/json-path-template.js";

const pods = {
  items: [
    {
      id: "a",
      metadata: { name: "front", labels: { "app.kubernetes.io/name": "web", app: "x" } },
      state: "SANDBOX_READY",
      createdAt: "1700000000000000000",
      ports: [80, 443, 8080],
    },
    {
      id: "b",
      metadata: { name: "back", labels: {} },
      state: "SANDBOX_NOTREADY",
      createdAt: "1600000000000000000",
      ports: [],
    },
  ],
};

// The left column is what `kubectl get -o jsonpath=` takes.
test.each([
  ["{.items[*].metadata.name}", "front back"],
  ["{$.items[0].id}", "a"],
  ["{.items[-1:].id}", "b"],
  ["{.items[-1].id}", "b"],
  ["{.items[0]['id','state']}", "a SANDBOX_READY"],
  ["{.items[0].ports[0:3:2]}", "80 8080"],
  ["{.items[0].ports[1,2]}", "443 8080"],
  ["{.items[0].metadata.labels.app\\.kubernetes\\.io/name}", "web"],
  ["{.items[0].metadata.labels['app.kubernetes.io/name']}", "web"],
  ['{.items[?(@.state=="SANDBOX_READY")].metadata.name}', "front"],
  ["{.items[?(@.state != 'SANDBOX_READY')].id}", "b"],
  ["{.items[?(@.metadata.labels.app)].id}", "a"],
  ["{.items[?(@.createdAt > 1650000000000000000)].id}", "a"],
  ["{..name}", "front back"],
  ["{.items[0].ports}", "[80,443,8080]"],
  ["{.items[0].metadata.labels}", '{"app.kubernetes.io/name":"web","app":"x"}'],
  ["{.items[0].nothing.here}", ""],
  ['{range .items[*]}{.id}{"\\t"}{.metadata.name}{"\\n"}{end}', "a\tfront\nb\tback\n"],
  ["{range .items[*]}{range .ports[*]}{@},{end};{end}", "80,443,8080,;;"],
  ["pods: {.items[*].id}!", "pods: a b!"],
  [".items[0].id", "a"],
  ["no path", "no path"],
  ["{'{'}{.items[0].id}{'}'}", "{a}"],
])("%s is %j", (template, expected) => {
  expect(parseTemplate(template)(pods)).toBe(expected);
});

test.each([
  ["{.items[*}", 'cannot read ".items[*" at 9: "]" belongs here'],
  ["{.items", "braces do not match"],
  ["{range .items[*]}{.id}", "{range} has no {end}"],
  ["{end}", "{end} has no {range} before it"],
  ["{.items[?(@.a==b)]}", "a text in quotes, a number or true belongs here"],
  ["{.items[]}", "an index, a range or a name in quotes belongs here"],
  ["{items}", "a dot or a bracket belongs here"],
])("%s is refused", (template, message) => {
  expect(() => parseTemplate(template)).toThrow(message);
});

test("an index beyond its list is told, as by kubectl", () => {
  expect(() => parseTemplate("{.items[2].id}")(pods)).toThrow("there is no [2]: the list has 2");
});
