import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { type Command, Option } from "commander";
import { stringify } from "yaml";
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
export function printObject(value: object, format: "json" | "yaml", terminal: Terminal): void {
  const text = format === "json" ? `${JSON.stringify(value, null, 2)}\n` : stringify(value);
  terminal.stdout.write(text);
}
