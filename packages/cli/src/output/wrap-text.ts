import { oneLine } from "./table.js";

/**
 * Breaks a text into lines that fit a width, between words where it can.
 *
 * @param width Columns; at least 20 are used.
 */
export function wrapText(text: string, width: number): string[] {
  const most = Math.max(20, width);
  const lines: string[] = [];
  let line = "";
  for (const word of oneLine(text).trimEnd().split(" ")) {
    let rest = word;
    if (line !== "" && line.length + 1 + rest.length > most) {
      lines.push(line);
      line = "";
    }
    // A path may be longer than a line.
    for (; rest.length > most; rest = rest.slice(most)) lines.push(rest.slice(0, most));
    line = line === "" ? rest : `${line} ${rest}`;
  }
  return [...lines, line];
}
