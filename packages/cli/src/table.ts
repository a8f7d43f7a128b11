/**
 * Lays rows out in columns under an upper-case header, three spaces apart, as kubectl
 * does. The last column is not padded. Ends in a line feed.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const lines = [header.map((name) => name.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const widths = header.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("   ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

/** A line break or another control character in a value must not break the table, or the terminal. */
export function oneLine(cell: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return cell.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
