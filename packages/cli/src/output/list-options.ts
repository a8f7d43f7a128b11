import { type Command, InvalidArgumentError, Option } from "commander";
import { type OutputFormat, outputOption } from "./output-format.js";

/** How a list is printed: `name` is what other commands take as names. */
export type ListFormat = OutputFormat | "wide" | "name";

/** Adds what all lists of things have. */
export function addListOptions(command: Command, sortColumns: readonly string[]): Command {
  const [usual = ""] = sortColumns;
  return command
    .addOption(
      outputOption(
        ["table", "wide", "json", "yaml", "name"],
        "how to print; name is what other commands take",
      ),
    )
    .addOption(
      new Option("--sort-by <column>", "in which order").choices(sortColumns).default(usual),
    )
    .option("-q, --quiet", "print ids only")
    .option("--no-trunc", "print whole ids");
}

/** A number of things, for `--last`. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a number above 0.");
  return Number(text);
}

/** Orders by a text, and by time, the newest first, where that is the same. */
export function byText<Item extends { readonly createdAt: bigint }>(
  textOf: (item: Item) => string,
): (a: Item, b: Item) => number {
  return (a, b) => compareTexts(textOf(a), textOf(b)) || Number(b.createdAt - a.createdAt);
}

export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
