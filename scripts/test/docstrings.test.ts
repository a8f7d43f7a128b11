import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { docstringProblems } from "../docstrings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "docstrings-"));
  mkdirSync(join(folder, "dist/gen"), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const exports = { ".": { types: "./dist/index.d.ts" }, "./package.json": "./package.json" };

function problemsOf(files: Readonly<Record<string, string>>): string[] {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, "dist", file), text);
  return docstringProblems(folder, exports);
}

test("exports with docstrings, of other packages and of generated code are all right", () => {
  const problems = problemsOf({
    "index.d.ts": [
      'export { type Shape, area as size } from "./shape.js";',
      'export { Message } from "./gen/message.js";',
      'export type { Logger } from "pino";',
      "/** The newest. */",
      "export declare const version: string;",
    ].join("\n"),
    "shape.d.ts": [
      "/** What has a size. */",
      "export interface Shape {}",
      "/**",
      " * Its size.",
      " */",
      "export declare function area(shape: Shape): number;",
    ].join("\n"),
    "gen/message.d.ts": "export declare const Message: unknown;\n",
  });
  expect(problems).toEqual([]);
});

test("an export without one is named, wherever it is declared", () => {
  const problems = problemsOf({
    "index.d.ts": 'export { area as size } from "./shape.js";\nexport type Side = number;\n',
    "shape.d.ts":
      "/** Not of area. */\ndeclare const x: 1;\nexport declare function area(): number;\n",
  });
  expect(problems).toEqual([
    "Side (dist/index.d.ts) is exported, and has no docstring",
    "size (dist/shape.d.ts) is exported, and has no docstring",
  ]);
});
