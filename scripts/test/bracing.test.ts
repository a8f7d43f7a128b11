import { describe, expect, test } from "@jest/globals";
import { bracingProblems, shortened } from "../bracing.ts";

const long = "a".repeat(80);

describe("a lone statement", () => {
  test.each([
    ["if (a) {\n  b();\n}", "if (a) b();"],
    ["  if (a) {\n    return b;\n  }\n  c();", "  if (a) return b;\n  c();"],
    ["for (const a of b) {\n  c(a);\n}", "for (const a of b) c(a);"],
    ["for await (const a of b) {\n  c(a);\n}", "for await (const a of b) c(a);"],
    ["while (a) {\n  b();\n}", "while (a) b();"],
    ["if (a) {\n  b();\n} else {\n  c();\n}", "if (a) b();\nelse c();"],
    [
      "if (a) {\n  b();\n} else if (c) {\n  d();\n} else {\n  e();\n}",
      "if (a) b();\nelse if (c) d();\nelse e();",
    ],
  ])("%j stands on the line of what it belongs to", (text, expected) => {
    expect(bracingProblems(text)).toEqual([
      expect.stringMatching(/^\d: fits a line without a block$/),
    ]);
    expect(shortened(text)).toBe(expected);
    expect(bracingProblems(expected)).toEqual([]);
  });

  test.each([
    ["where it would be longer than a line", `if (${long}) {\n  return ${long};\n}`],
    ["of more than one line", "if (a) {\n  b({\n    c,\n  });\n}"],
    ["that is not alone", "if (a) {\n  b();\n  c();\n}"],
    ["with a comment", "if (a) {\n  // Why.\n  b();\n}"],
    ["that declares something", "if (a) {\n  const b = c();\n}"],
    ["with a body of its own", "if (a) {\n  if (b) c();\n}"],
    ["beside a branch that needs a block", "if (a) {\n  b();\n} else {\n  c();\n  d();\n}"],
    ["of what is no condition or loop", "try {\n  a();\n} finally {\n  b();\n}"],
  ])("keeps its block %s", (_what, text) => {
    expect(bracingProblems(text)).toEqual([]);
    expect(shortened(text)).toBe(text);
  });
});

test.each([
  ["on the next line", "if (a)\n  b();"],
  ["after a condition of several lines", "  if (\n    a\n  )\n    b();"],
  ["of an else on the next line", "if (a) b();\nelse\n  c();"],
])("a body %s needs a block", (_what, text) => {
  expect(bracingProblems(text)).toEqual([
    expect.stringMatching(/^\d: its body is on the next line, and needs a block$/),
  ]);
});

test("branches of one condition are all lines or all blocks", () => {
  expect(bracingProblems("if (a) b();\nelse {\n  c();\n  d();\n}")).toEqual([
    "2: has a block, but the branch before it has none",
  ]);
  expect(bracingProblems("if (a) {\n  b();\n  c();\n} else d();")).toEqual([
    "4: has no block, but the branch before it has one",
  ]);
});

test("calls over several lines are left alone", () => {
  expect(bracingProblems("a(\n  b,\n)\n  .c()\n  .d();")).toEqual([]);
});
