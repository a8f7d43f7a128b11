import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { importsOf } from "../imports.ts";
import { floorsOf, roomProblems } from "../rooms.ts";

const table = `
## Rooms of cellar

| room | what is in it |
|---|---|
| \`wine/\` | |

## Rooms of house

| room | what is in it |
|---|---|
| \`options\` \`call\` | what all share |
| \`state/\` | what is known |
| \`logs/\` \`exec/\` | one subject each |
| \`start\` | the end |

| other | table |
|---|---|
| \`nothing/\` | |
`;
const floors = floorsOf(table, "house");

test("floors are the rows of the table, rooms what a row's first cell names", () => {
  expect(floors).toEqual([["options", "call"], ["state/"], ["logs/", "exec/"], ["start"]]);
  expect(floorsOf(table, "cellar")).toEqual([["wine/"]]);
  expect(() => floorsOf(table, "attic")).toThrow("no table of the rooms of attic");
});

test.each([
  ["shim-server", "pods/"],
  ["cli", "lifecycle/"],
])("the architecture has every room of %s once", (name, room) => {
  const path = join(import.meta.dirname, "../../docs/architecture.md");
  const rooms = floorsOf(readFileSync(path, "utf8"), name).flat();
  expect(rooms).toContain(room);
  expect(new Set(rooms).size).toBe(rooms.length);
});

describe("a file may import", () => {
  test.each([
    ["its own room", "state/store.ts", 'import { a } from "./records.js";'],
    ["a room above", "logs/a.ts", 'import { a } from "../state/store.js";'],
    ["a file above", "exec/a.ts", 'import type { a } from "../options.js";'],
    ["other packages", "options.ts", 'import { a } from "@x/cni";'],
  ])("%s", (_what, file, text) => {
    expect(roomProblems(file, text, floors)).toEqual([]);
  });
});

describe("a file may not import", () => {
  test.each([
    ["a room below", "state/store.ts", "../logs/a.js", "logs/"],
    ["a room beside", "logs/a.ts", "../exec/a.js", "exec/"],
    ["a file below", "state/store.ts", "../start.js", "start"],
    ["a file beside", "options.ts", "./call.js", "call"],
    ["a folder of a room below", "state/deep/store.ts", "../../exec/deep/a.js", "exec/"],
    ["what is in no room", "start.ts", "./attic/a.js", "attic/"],
  ])("%s", (_what, file, name, room) => {
    for (const text of [
      `import { a } from "${name}";`,
      `import type {\n  a,\n} from "${name}";`,
      `export * from "${name}";`,
      `import "${name}";`,
      `const a = await import("${name}");`,
      `let a: import("${name}").A;`,
    ]) {
      expect(roomProblems(file, text, floors)).toEqual([
        expect.stringMatching(new RegExp(`^${file}:\\d: .* but ${room} is not above it$`)),
      ]);
    }
  });

  test("anything, if it is in no room itself", () => {
    expect(roomProblems("attic/a.ts", "", floors)).toEqual([
      "attic/a.ts: attic/ is no room of the table",
    ]);
  });
});

test("an import is told with its line; what only looks like one is none", () => {
  expect(
    importsOf('\nimport a from "a";\nBuffer.from("b");\nconst c = await import(`c`);\n'),
  ).toEqual([
    { name: "a", line: 2 },
    { name: "c", line: 4 },
  ]);
});
