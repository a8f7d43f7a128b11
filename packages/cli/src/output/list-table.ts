import { styleText } from "node:util";
import { formatTable, type TableFit } from "./table.js";
import { hasColour, isTerminal, type Terminal } from "./terminal.js";

type Colour = Parameters<typeof styleText>[0];

const stateColours: Readonly<Record<string, Colour>> = {
  Running: "green",
  Ready: "green",
  Created: "yellow",
  Exited: "yellow",
  NotReady: "yellow",
  Unknown: "red",
};

/**
 * Prints a list: on a terminal as wide as that is, with colours for states unless it has none or NO_COLOR is set; as
 * it comes into a file or a pipe.
 *
 * @param fit What is left out and cut short first; undefined for lists that were asked for whole.
 */
export function printTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  fit: Omit<TableFit, "width"> | undefined,
  terminal: Terminal,
): void {
  const { stdout } = terminal;
  const width = isTerminal(stdout) ? stdout.columns : undefined;
  const paint = hasColour(terminal) ? paintState : undefined;
  stdout.write(formatTable(header, rows, fit && width ? { ...fit, width } : undefined, paint));
}

function paintState(cell: string, column: string): string {
  const colour = column === "state" ? stateColours[cell] : column === "reason" ? "red" : undefined;
  return colour && cell !== "-" ? styleText(colour, cell, { validateStream: false }) : cell;
}
