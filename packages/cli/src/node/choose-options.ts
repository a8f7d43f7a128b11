import { defaultShimOptions, type ShimOptions } from "@dockershim/shim-server/options";
import { CliError } from "../cli-error.js";
import { defaultConfigFile } from "../serve/config-file.js";
import { gatherOptions } from "../serve/daemon-options.js";
import { optionsFromFlags } from "../serve/serve-options.js";

/** The daemon's options, and where they are from. */
export interface ChosenOptions {
  readonly options: ShimOptions;
  /** For people. */
  readonly from: string;
  /** What is wrong with them, a line each. */
  readonly problems: readonly string[];
}

/**
 * The options that the daemon would start with: flags, then the file, then the defaults.
 *
 * @param configFile undefined for the usual one, which need not be there.
 */
export async function chooseOptions(
  flags: Record<string, unknown>,
  configFile: string | undefined,
  isThere: (file: string) => boolean,
): Promise<ChosenOptions> {
  const file = configFile ?? (isThere(defaultConfigFile) ? defaultConfigFile : undefined);
  const from = file ?? "the defaults";
  try {
    const options = await gatherOptions(flags, file);
    return { options: { ...defaultShimOptions, ...options }, from, problems: [] };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const options = { ...defaultShimOptions, ...optionsFromFlags(flags) };
    return { options, from: `${from}, which cannot be used`, problems: error.lines };
  }
}

/** Those of the daemon that runs, which it tells itself. */
export function withAnswered(
  chosen: ChosenOptions,
  answered: Partial<ShimOptions> | undefined,
): ChosenOptions {
  if (answered === undefined) return chosen;
  const options = { ...defaultShimOptions, ...answered };
  return { options, from: "the daemon that runs", problems: chosen.problems };
}
