import { CliError, type CliErrorCode } from "../cli-error.js";

/**
 * What a text of YAML or JSON holds.
 *
 * @param file Where it is from, for messages.
 * @param code Of the error.
 * @throws CliError with the first line of what the parser says, for a text that is neither.
 */
export async function parseYaml(text: string, file: string, code: CliErrorCode): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    return parse(text);
  } catch (error) {
    const [why] = String((error as Error).message).split("\n");
    throw new CliError(code, `${file}: ${why}`, { cause: error });
  }
}
