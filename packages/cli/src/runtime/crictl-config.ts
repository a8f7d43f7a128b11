import { readFile } from "node:fs/promises";
import { CliError } from "../cli-error.js";
import { describeReadError } from "../machine/read-error.js";
import { parseDuration } from "../output/duration.js";
import type { Terminal } from "../output/terminal.js";
import { parseYaml } from "../output/yaml-text.js";

/** Where crictl has its configuration, and the variable that names another file. */
const usualFile = "/etc/crictl.yaml";
const fileVariable = "CRI_CONFIG_FILE";

/** What crictl's configuration tells this command. */
export interface CrictlConfig {
  /** For messages. */
  readonly file: string;
  readonly runtimeEndpoint?: string;
  readonly imageEndpoint?: string;
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * Reads crictl's configuration file, where there is one; keys of crictl's own are passed over.
 *
 * @throws CliError failure for a file that cannot be read, or where a value is not what crictl takes.
 */
export async function readCrictlConfig({ env }: Terminal): Promise<CrictlConfig | undefined> {
  const named = env[fileVariable];
  const file = named || usualFile;
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if (!named && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new CliError("failure", `cannot read ${file}: ${describeReadError(error)}`, {
      cause: error,
    });
  }
  const content = await parseYaml(text, file, "failure");
  if (content === null || content === undefined) return { file };
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new CliError("failure", `${file}: expected keys with values at the top level`);
  }
  const values = content as Readonly<Record<string, unknown>>;
  const [runtimeEndpoint, imageEndpoint] = ["runtime-endpoint", "image-endpoint"].map((key) =>
    readEndpoint(values[key], key, file),
  );
  const timeoutMs = readTimeout(values.timeout, file);
  return {
    file,
    ...(runtimeEndpoint && { runtimeEndpoint }),
    ...(imageEndpoint && { imageEndpoint }),
    ...(timeoutMs && { timeoutMs }),
  };
}

function readEndpoint(value: unknown, key: string, file: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new CliError("failure", `${file}: ${key} is no text`);
  return value;
}

/** crictl counts seconds, and takes its default for what is not above 0. */
function readTimeout(value: unknown, file: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isInteger(value)) return Math.max(0, value) * 1_000;
  if (typeof value === "string") return parseDuration(value, `${file}: timeout`);
  throw new CliError("failure", `${file}: timeout is no number of seconds`);
}
