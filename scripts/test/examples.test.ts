import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { exampleProblems, examplesOf } from "../examples.ts";

const fenced = (language: string, code: string) => `\`\`\`${language}\n${code}\n\`\`\`\n`;

test("examples are the blocks of TypeScript and JavaScript, each line with its number", () => {
  const text = `# A\n\n${fenced("ts", "const a = 1;")}\n${fenced("sh", "ls")}${fenced("js", "b();")}`;
  expect(examplesOf(text)).toEqual([
    { language: "ts", text: "\n\n\nconst a = 1;\n" },
    { language: "js", text: `${"\n".repeat(10)}b();\n` },
  ]);
});

describe("a package's README", () => {
  let folder: string;

  beforeAll(() => {
    // Below the checkout, where Node's types are.
    folder = mkdtempSync(join(import.meta.dirname, ".examples-"));
    mkdirSync(join(folder, "dist"));
    const exports = { ".": { types: "./dist/index.d.ts" } };
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "@x/twice", type: "module", exports }),
    );
    writeFileSync(join(folder, "dist/index.d.ts"), "export function twice(of: number): number;\n");
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const problemsOf = (...blocks: string[]) => {
    writeFileSync(join(folder, "README.md"), `# Twice\n\n${blocks.join("")}`);
    return exampleProblems(folder).join("");
  };
  const use = 'import { twice } from "@x/twice";\n';

  test("has no problems where its examples fit the package", () => {
    expect(
      problemsOf(
        fenced("ts", `${use}console.log(twice(await Promise.resolve(2)));`),
        fenced("js", `${use}const twiceOf = (a) => twice(a);\nconsole.log(twiceOf(process.pid));`),
      ),
    ).toBe("");
  });

  test.each(["ts", "js"])("is told of by the line where an example in %s does not", (language) => {
    expect(problemsOf(fenced(language, `${use}twice("2");`))).toMatch(
      /^README\.md\(5,7\): error TS2345: /,
    );
    expect(problemsOf(fenced(language, `import { thrice } from "@x/twice";\nthrice(1);`))).toMatch(
      /^README\.md\(4,10\): error TS2305: /,
    );
  });

  test("leaves nothing behind", () => {
    expect(readdirSync(folder).sort()).toEqual(["README.md", "dist", "package.json"]);
  });
});
