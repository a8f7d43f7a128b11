import { readFile, stat } from "node:fs/promises";
import type { ShimOptions } from "@dockershim/shim-server/options";
import { closestMatch } from "leven";
import { CliError } from "../cli-error.js";
import { describeReadError } from "../machine/read-error.js";
import { parseDuration } from "../output/duration.js";
import { parseYaml } from "../output/yaml-text.js";
import { fileKey, type ServeOption, serveOptions } from "./serve-options.js";

/** Where the systemd unit has its configuration. */
export const defaultConfigFile = "/etc/dockershim/config.yaml";

/** What a configuration file says. */
export interface FileOptions {
  /** Whether their values will do is not checked yet, only their types. */
  readonly options: Partial<ShimOptions>;
  /** Each with the file's name and the key. */
  readonly problems: readonly string[];
}

/** The parser takes a minute for some texts of 170 KB. A file with every option and a comment for each has 4. */
const maxFileBytes = 32 * 1024;

/**
 * Reads the daemon's options from a YAML or JSON file (JSON is YAML).
 *
 * @throws CliError usage when the file can't be read, is longer than 32 KiB, or is no file of keys and values.
 */
export async function readConfigFile(path: string): Promise<FileOptions> {
  let text: string;
  try {
    if ((await stat(path)).size > maxFileBytes) {
      throw new CliError("usage", `${path}: it is longer than ${maxFileBytes / 1024} KiB`);
    }
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError("usage", `cannot read ${path}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
  const content = await parseYaml(text, path, "usage");
  return optionsFromFile(content, path);
}

/**
 * The daemon's options out of a parsed configuration file.
 *
 * @param path For messages.
 * @throws CliError usage when it holds no keys with values.
 */
export function optionsFromFile(content: unknown, path: string): FileOptions {
  if (content === null || content === undefined) return { options: {}, problems: [] };
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new CliError("usage", `${path}: expected keys with values at the top level`);
  }
  const options: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(content)) {
    const option = serveOptions.find((each) => fileKey(each) === key);
    if (option === undefined) {
      problems.push(`${path}: unknown key "${key}"${suggestKey(key)}`);
      continue;
    }
    try {
      options[option.key] = readValue(value, option.kind, describeKey(option, path));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      problems.push(error.message);
    }
  }
  return { options, problems };
}

/** An option in a message about a file. */
export function describeKey(option: Pick<ServeOption, "key" | "flag">, path: string): string {
  return `${path}: ${fileKey(option)} (--${option.flag})`;
}

/** People write flags where keys belong, and leave out or swap letters. */
function suggestKey(key: string): string {
  const camelCase = key
    .replace(/^--/, "")
    .replace(/[-_]+([a-z0-9])/gi, (_, letter: string) => letter.toUpperCase());
  const maxDistance = Math.max(2, Math.floor(camelCase.length / 3));
  const match = closestMatch(camelCase, serveOptions.map(fileKey), { maxDistance });
  return match === undefined ? "" : `; did you mean "${match}"?`;
}

/** @throws CliError usage for a value of another type. */
function readValue(value: unknown, kind: ServeOption["kind"], where: string): unknown {
  const wrong = (expected: string): CliError =>
    new CliError("usage", `${where}: expected ${expected}, not ${JSON.stringify(value)}`);
  switch (kind) {
    case "text":
      if (typeof value !== "string") throw wrong("a string");
      return value;
    case "list":
      if (!Array.isArray(value) || value.some((part) => typeof part !== "string")) {
        throw wrong("a list of strings");
      }
      return value;
    case "duration":
      if (typeof value !== "string" && typeof value !== "number") {
        throw wrong("a duration such as 1m30s");
      }
      return parseDuration(String(value), where);
    case "boolean":
      if (typeof value !== "boolean") throw wrong("true or false");
      return value;
    default:
      // YAML reads the choices true and false as booleans.
      return String(value);
  }
}
