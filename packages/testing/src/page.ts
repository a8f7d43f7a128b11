import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const docs = resolve(import.meta.dirname, "../../../docs");

/**
 * For tests that do what a page of `docs/` says, word for word: the blocks of one language below a heading of a page.
 *
 * @param heading Without its `## `; empty for the whole page.
 */
export function blocksOf(page: string, heading: string, language = "sh"): string[] {
  const text = readFileSync(join(docs, page), "utf8");
  const [, section = ""] = text.split(`\n## ${heading}\n`);
  const blocks = (heading === "" ? text : (section.split("\n## ")[0] ?? "")).matchAll(
    new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\`$`, "gms"),
  );
  return [...blocks].map(([, block = ""]) => block);
}
