/** How a table that is wider than the terminal is made to fit. */
export interface TableFit {
  /** Columns of the terminal. */
  readonly width: number;
  /** Columns that tell least, in the order in which they are left out. */
  readonly drop: readonly string[];
  /** Columns whose cells may be cut short, and the width that stays of them. */
  readonly shrink: Readonly<Record<string, number>>;
}

/** Adorns a cell that has its width already. */
export type Paint = (cell: string, column: string) => string;

const gap = 3;

/**
 * Lays rows out in columns under an upper-case header, three spaces apart, as kubectl
 * does. The last column is not padded. Ends in a line feed.
 *
 * @param fit Default: as wide as it comes.
 * @param paint Is not given the header.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  fit?: TableFit,
  paint: Paint = (cell) => cell,
): string {
  const lines = [header.map((name) => name.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const natural = header.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const columns = fit
    ? fitColumns(header, natural, fit)
    : natural.map((width, at) => ({ at, width }));
  return lines
    .map((line, index) =>
      columns
        .map(({ at, width }, place) => {
          const cell = cutTo(line[at] ?? "", width);
          const shown = index === 0 ? cell : paint(cell, header[at] ?? "");
          const isLast = place === columns.length - 1;
          return shown + " ".repeat(isLast ? 0 : width - cell.length + gap);
        })
        .join("")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

interface Column {
  /** Its place in a row. */
  readonly at: number;
  readonly width: number;
}

/** Leaves out as few columns as it takes, and cuts as little of the others. */
function fitColumns(
  header: readonly string[],
  natural: readonly number[],
  { width, drop, shrink }: TableFit,
): Column[] {
  let kept = natural.map((own, at) => ({ at, width: own }));
  for (const name of [undefined, ...drop]) {
    kept = kept.filter(({ at }) => header[at] !== name);
    const least = kept.map(({ at, width: own }) => Math.min(own, shrink[header[at] ?? ""] ?? own));
    if (lineWidth(least) <= width) return shrinkColumns(kept, least, width);
  }
  return shrinkColumns(
    kept,
    kept.map(({ at, width: own }) => Math.min(own, shrink[header[at] ?? ""] ?? own)),
    width,
  );
}

/** Takes from the column that has most to give, until the line fits. */
function shrinkColumns(
  columns: readonly Column[],
  least: readonly number[],
  width: number,
): Column[] {
  const widths = columns.map((column) => column.width);
  while (lineWidth(widths) > width) {
    const spare = widths.map((own, place) => own - (least[place] ?? own));
    const most = Math.max(...spare);
    if (most <= 0) break;
    const place = spare.indexOf(most);
    widths[place] = (widths[place] ?? 0) - 1;
  }
  return columns.map(({ at }, place) => ({ at, width: widths[place] ?? 0 }));
}

function lineWidth(widths: readonly number[]): number {
  return widths.reduce((sum, own) => sum + own, gap * Math.max(0, widths.length - 1));
}

/** What is cut says so. */
export function cutTo(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** A line break or another control character in a value must not break the table, or the terminal. */
export function oneLine(cell: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return cell.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
