import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import type { Terminal } from "./terminal.js";

export type OutputFormat = "table" | "json" | "yaml";

/** Adds `-o, --output`. */
export function addOutputOption(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "how to print")
      .choices(["table", "json", "yaml"])
      .default("table"),
  );
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
  format: "json" | "yaml",
  terminal: Terminal,
): Promise<void> {
  const text = format === "json" ? `${JSON.stringify(value, null, 2)}\n` : await formatYaml(value);
  terminal.stdout.write(text);
}

/** A value as YAML; what writes it is loaded only when it is wanted. */
export async function formatYaml(value: object): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(value);
}
