import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  defaultConfigText,
  describeProgram,
  installedConfigText,
  manualPages,
  type Terminal,
} from "@dockershim/cli";
import { command } from "../lab/command.ts";
import { hostArchitecture } from "./architecture.ts";
import type { Bundle } from "./bundle.ts";
import { thirdPartyLicences } from "./licences.ts";
import { fetchNpmPackage } from "./npm-package.ts";
import type { PackageContent } from "./package-files.ts";

/**
 * Makes what packages have beside the executable, from the command itself.
 *
 * @param root The checkout, built.
 */
export async function describeContent(
  root: string,
  bundle: Bundle,
  cacheDir: string,
): Promise<Omit<PackageContent, "executable" | "specHook">> {
  const cli = join(root, "packages/cli");
  const { version } = JSON.parse(readFileSync(join(cli, "package.json"), "utf8"));
  const completion = async (shell: string): Promise<string> =>
    await command(process.execPath, [join(cli, "bin/dockershim.js"), "completion", shell]);
  const node = await fetchNpmPackage(cacheDir, hostArchitecture().runtime);
  const date = await dateOf(root);
  return {
    version,
    date,
    config: installedConfigText(defaultConfigText()),
    manual: manualPages(await describeProgram(nowhere), date),
    completions: {
      bash: await completion("bash"),
      zsh: await completion("zsh"),
      fish: await completion("fish"),
    },
    licences: thirdPartyLicences(bundle.packageFolders, node),
  };
}

/** The date of the last change, so that the same sources make the same pages. */
async function dateOf(root: string): Promise<string> {
  const args = ["log", "-1", "--format=%cs"];
  return (await command("git", args, { cwd: root })).trim();
}

const nowhere = {
  stdout: { write: () => true },
  stderr: { write: () => true },
  env: {},
  now: Date.now,
} as unknown as Terminal;
