import type { Terminal } from "./terminal.js";
import { wrapText } from "./wrap-text.js";

export type Field = readonly [name: string, text: string];

/**
 * Lines of a name and a text, which goes on below itself where it is long.
 *
 * @param width Columns of the terminal.
 * @param before What each line begins with.
 */
export function formatFields(fields: readonly Field[], width: number, before = ""): string {
  const longest = Math.max(0, ...fields.map(([name]) => name.length));
  const start = before.length + longest + 3;
  return fields
    .flatMap(([name, text]) =>
      wrapText(text, width - start).map((line, index) =>
        `${before}${(index === 0 ? name : "").padEnd(longest)}   ${line}`.trimEnd(),
      ),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** How wide a line may be: as the terminal is, and 80 columns where there is none. */
export function columnsOf({ stdout }: Terminal): number {
  return (stdout as { columns?: number }).columns ?? 80;
}
