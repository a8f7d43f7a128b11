import { readFile } from "node:fs/promises";
import type { ShimOptions } from "@dockershim/shim-server";
import { parse } from "yaml";
import { CliError } from "./cli-error.js";
import { optionsFromFile } from "./serve-options.js";

/**
 * Reads the daemon's options from a YAML or JSON file (JSON is YAML).
 *
 * @throws CliError usage when the file can't be read or holds what it should not.
 */
export async function readConfigFile(path: string): Promise<Partial<ShimOptions>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("usage", `cannot read ${path}: ${code ?? error}`, { cause: error });
  }
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    const [why] = String((error as Error).message).split("\n");
    throw new CliError("usage", `${path}: ${why}`, { cause: error });
  }
  return optionsFromFile(content, path);
}
