import { optionProblems } from "@dockershim/shim-server/option-problems";
import { defaultShimOptions, type ShimOptions } from "@dockershim/shim-server/options";
import { CliError } from "../cli-error.js";
import { describeKey, type FileOptions, readConfigFile } from "./config-file.js";
import { describeFlag, optionsFromFlags, serveOptions } from "./serve-options.js";

/**
 * Puts the daemon's options together, a flag before the file, and checks every one.
 *
 * @param flags What the command line gave.
 * @param path The configuration file, if there is one.
 * @throws CliError usage with all that is wrong, by flag and key.
 */
export async function gatherOptions(
  flags: Record<string, unknown>,
  path: string | undefined,
): Promise<Partial<ShimOptions>> {
  const nothing: FileOptions = { options: {}, problems: [] };
  const file = path === undefined ? nothing : await readConfigFile(path);
  const given = optionsFromFlags(flags);
  const options = { ...file.options, ...given };
  const problems = optionProblems({ ...defaultShimOptions, ...options }).map(({ key, problem }) => {
    const option = serveOptions.find((each) => each.key === key);
    const { flag } = option ?? { flag: key };
    const where =
      key in given || path === undefined
        ? describeFlag({ key, flag })
        : describeKey({ key, flag }, path);
    return `${where}: ${problem}`;
  });
  const all = [...file.problems, ...problems];
  if (all.length > 0) throw new CliError("usage", all.join("; "), { lines: all });
  return options;
}
