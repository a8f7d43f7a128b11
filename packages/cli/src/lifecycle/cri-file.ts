import { readFile } from "node:fs/promises";
import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import { CliError } from "../cli-error.js";
import { describeReadError } from "../machine/read-error.js";

/**
 * Reads a message of CRI from a file as crictl takes it: YAML or JSON, with the fields' names as in CRI's definition
 * (`log_path`) or in protobuf's JSON mapping (`logPath`).
 *
 * @throws CliError failure for a file that cannot be read, or that holds anything else.
 */
export async function readCriFile<Desc extends DescMessage>(
  schema: Desc,
  path: string,
): Promise<MessageShape<Desc>> {
  const { parse } = await import("yaml");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new CliError("failure", `cannot read ${path}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
  try {
    return fromJson(schema, parse(text) as JsonValue);
  } catch (error) {
    const [why] = String((error as Error).message).split("\n");
    throw new CliError("failure", `${path}: it is no ${schema.name} of CRI: ${why}`, {
      cause: error,
    });
  }
}
