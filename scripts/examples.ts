// Whether the examples of a README fit the package as it is built.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const compiler = join(import.meta.dirname, "../node_modules/.bin/tsc");

/** A block of code of a README. */
export interface Example {
  readonly language: "ts" | "js";
  /** As a file of its own, in which each line has the number that it has in the README. */
  readonly text: string;
}

/** Finds the blocks of TypeScript and JavaScript in a Markdown text. */
export function examplesOf(markdown: string): Example[] {
  return Array.from(
    markdown.matchAll(/^```(ts|js)\n([\s\S]*?)^```$/gm),
    ({ 1: language, 2: code = "", index }) => ({
      language: language as Example["language"],
      text: "\n".repeat(markdown.slice(0, index).split("\n").length) + code,
    }),
  );
}

/** What a careful user of the package has; JavaScript may leave types out. */
function settings(language: Example["language"]): object {
  return {
    compilerOptions: {
      module: "nodenext",
      target: "es2024",
      lib: ["es2024", "dom"],
      types: ["node"],
      strict: true,
      noImplicitAny: language === "ts",
      allowJs: true,
      checkJs: true,
      skipLibCheck: true,
      noEmit: true,
    },
    include: ["*"],
  };
}

/**
 * Compiles the examples in the README of the package in a folder, which is built, in that folder, so that they
 * find it by its name, and what it depends on.
 *
 * @returns What the compiler has to say, by the README's lines.
 */
export function exampleProblems(folder: string): string[] {
  const readme = join(folder, "README.md");
  const examples = existsSync(readme) ? examplesOf(readFileSync(readme, "utf8")) : [];
  const scratch = join(folder, ".examples");
  const problems: string[] = [];
  try {
    for (const language of ["ts", "js"] as const) {
      const files = examples.filter((example) => example.language === language);
      if (files.length === 0) continue;
      mkdirSync(scratch);
      writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(settings(language)));
      for (const [index, { text }] of files.entries()) {
        writeFileSync(join(scratch, `example-${index}.m${language}`), text);
      }
      const { status, stdout } = spawnSync(compiler, ["-p", scratch, "--pretty", "false"], {
        encoding: "utf8",
      });
      if (status !== 0) problems.push(stdout.replaceAll(/^\S*example-\d+\.m[tj]s/gm, "README.md"));
      rmSync(scratch, { recursive: true });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return problems;
}
