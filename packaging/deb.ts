import { join } from "node:path";
import { specHookPrograms } from "@dockershim/spec-hook/program-files";
import { labConfig } from "../lab/config.ts";
import { hostArchitecture } from "./architecture.ts";
import { bundleProgram } from "./bundle.ts";
import { describeContent } from "./content.ts";
import { makeExecutable } from "./executable.ts";
import { type Flavour, flavours } from "./flavour.ts";
import { makeSystemPackage } from "./system-package.ts";

/**
 * Makes one package for Debian systems on this machine's architecture alone, to be tried at once; `npm run package`
 * makes what is published.
 *
 * @param root - the checkout, as it was built
 * @param out - where it goes
 * @returns its path
 */
export async function makeDeb(
  root: string,
  out: string,
  name: Flavour["name"] = "dockershim",
): Promise<string> {
  const { cacheDir } = labConfig();
  const architecture = hostArchitecture();
  const flavour = flavours.find((each) => each.name === name);
  if (flavour === undefined) throw new Error(`no package is called ${name}`);
  const bundle = await bundleProgram(root);
  const content = await describeContent(root, bundle, cacheDir);
  const executable = await makeExecutable(
    bundle,
    architecture,
    join(out, architecture.name),
    cacheDir,
  );
  const complete = { ...content, executable, specHook: specHookPrograms[architecture.name] };
  const order = { kind: "deb", flavour, architecture, content: complete } as const;
  return makeSystemPackage({ ...order, compression: "gzip" }, out, cacheDir);
}
