import { CliError } from "./cli-error.js";

/** Collects repeated `--label key=value` into what CRI filters take. */
export function collectLabel(
  text: string,
  previous: Record<string, string> = {},
): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new CliError("usage", `--label: "${text}" is not of the form key=value`);
  return { ...previous, [text.slice(0, equals)]: text.slice(equals + 1) };
}
