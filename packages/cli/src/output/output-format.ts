import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Terminal } from "./terminal.js";

/** How a value is printed for programs; of jsonpath with the template. */
export type ObjectFormat = "json" | "yaml" | `jsonpath=${string}`;
export type OutputFormat = "table" | ObjectFormat;

/** Adds `-o, --output`. */
export function addOutputOption(command: Command): Command {
  return command.addOption(outputOption(["table", "json", "yaml"], "how to print"));
}

/**
 * `-o, --output`, of which the first choice is the usual one.
 *
 * @param choices Besides them there is `jsonpath=TEMPLATE`.
 */
export function outputOption(choices: readonly string[], description: string): Option {
  const [usual = ""] = choices;
  const all = [...choices, "jsonpath=…"];
  return new Option("-o, --output <format>", description)
    .choices(all)
    .default(usual)
    .argParser((text: string) => {
      if (choices.includes(text) || text.startsWith("jsonpath=")) return text;
      throw new InvalidArgumentError(`Allowed choices are ${all.join(", ")}.`);
    });
}

export function isObjectFormat(format: string): format is ObjectFormat {
  return format === "json" || format === "yaml" || format.startsWith("jsonpath=");
}

/** A CRI message in protobuf's JSON mapping, fields with default values included. */
export function messageToObject<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): object {
  return toJson(schema, message, { alwaysEmitImplicit: true }) as object;
}

/** Prints a value for programs to read. */
export async function printObject(
  value: object,
  format: ObjectFormat,
  terminal: Terminal,
): Promise<void> {
  terminal.stdout.write(await formatObject(value, format));
}

/** A value as text; what writes it is loaded only when it is wanted. */
export async function formatObject(value: object, format: ObjectFormat): Promise<string> {
  if (format === "json") return `${JSON.stringify(value, null, 2)}\n`;
  if (format === "yaml") {
    const { stringify } = await import("yaml");
    return stringify(value);
  }
  const { parseTemplate } = await import("./json-path-template.js");
  return parseTemplate(format.slice("jsonpath=".length))(value);
}
