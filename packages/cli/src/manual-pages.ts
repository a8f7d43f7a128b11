import type { Command, Option } from "commander";

/** One page of the manual. */
export interface ManualPage {
  /** As `man` finds it: `dockershim-serve.8`. */
  readonly file: string;
  readonly text: string;
}

/** Everything is for administrators (man-pages(7)). */
const section = 8;

/**
 * Makes the manual from the commands themselves, a page for each, in the language of man(7).
 *
 * @param program The whole tree of commands.
 * @param date As YYYY-MM-DD.
 */
export function manualPages(program: Command, date: string): ManualPage[] {
  return everyCommand(program).map((command) => {
    const name = pathOf(command).join("-");
    const others = everyCommand(program).filter((other) => other !== command);
    return { file: `${name}.${section}`, text: pageOf(command, others, date) };
  });
}

/** A command and all below it that its help shows, without the help that commander adds. */
function everyCommand(command: Command): Command[] {
  return [command, ...commandsBelow(command).flatMap(everyCommand)];
}

function commandsBelow(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command);
  return visible.filter((each) => each.name() !== "help");
}

function pathOf(command: Command): string[] {
  return command.parent === null ? [command.name()] : [...pathOf(command.parent), command.name()];
}

function pageOf(command: Command, others: readonly Command[], date: string): string {
  const path = pathOf(command);
  const title = path.join("-");
  const help = command.createHelp();
  const usage = help.commandUsage(command).slice(path.join(" ").length).trim();
  const options = help.visibleOptions(command).filter(({ long }) => long !== "--help");
  const inherited = help.visibleGlobalOptions(command);
  const below = commandsBelow(command);
  const after = helpAfter(command);
  const related = others.map((other) => `.BR ${roff(pathOf(other).join("-"))} (${section})`);
  return [
    `.TH ${title.toUpperCase()} ${section} ${date} dockershim`,
    ".SH NAME",
    `${roff(title)} \\- ${roff(command.description().split("\n")[0]?.replace(/\.$/, "") ?? "")}`,
    ".SH SYNOPSIS",
    `.B ${roff(path.join(" "))}`,
    roff(usage),
    ...sectionOf(
      "COMMANDS",
      below.map((each) => item(each.name(), each.description())),
    ),
    ...sectionOf("OPTIONS", options.map(optionItem)),
    ...sectionOf("GLOBAL OPTIONS", inherited.map(optionItem)),
    ...(after === "" ? [] : [".SH NOTES", ".nf", roff(after), ".fi"]),
    ".SH SEE ALSO",
    related.join(",\n"),
    "",
  ].join("\n");
}

function sectionOf(title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`.SH ${title}`, ...items];
}

function optionItem(option: Option): string {
  const choices = option.argChoices === undefined ? "" : ` (${option.argChoices.join(", ")})`;
  return item(option.flags, `${option.description}${choices}`);
}

function item(term: string, text: string): string {
  return `.TP\n.B ${roff(term)}\n${roff(text)}`;
}

/** What stands below the options in the help: examples and exit codes. */
function helpAfter(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  const own = command.helpInformation();
  return text.slice(text.indexOf(own) + own.length).trim();
}

/** Text as roff takes it literally. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("…", "...")
    .replace(/^([.'])/gm, "\\&$1");
}
