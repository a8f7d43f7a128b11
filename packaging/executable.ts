import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/command.ts";
import { installMissing } from "../lab/debian.ts";
import { type Architecture, hostArchitecture } from "./architecture.ts";
import { type Bundle, nativeLibraryName } from "./bundle.ts";
import { fetchNpmPackage } from "./npm-package.ts";

/** Node and koffi's library, as an executable has them. */
interface Runtime {
  readonly node: string;
  readonly koffi: string;
}

/** Fetches what executables of an architecture are made of, unless it is in the cache. */
export async function fetchRuntime(
  { runtime, koffi, koffiFile, binutils }: Architecture,
  cacheDir: string,
): Promise<Runtime> {
  await installMissing([
    { file: `${binutils}-strip`, package: `binutils-${binutils.replace("_", "-")}` },
  ]);
  const node = join(await fetchNpmPackage(cacheDir, runtime), "bin/node");
  chmodSync(node, 0o755);
  return { node, koffi: join(await fetchNpmPackage(cacheDir, koffi), koffiFile) };
}

/**
 * Makes the executable of one architecture: Node with the program in it, which is a standard feature
 * of Node (nodejs.org/api/single-executable-applications.html).
 *
 * On the architecture that it is made on it also gets V8's compiled code; that of another one V8
 * would have to make there.
 *
 * @param folder Where the executable and what it is made from go.
 * @returns The path of the executable.
 */
export async function makeExecutable(
  { program }: Bundle,
  architecture: Architecture,
  folder: string,
  cacheDir: string,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const host = hostArchitecture();
  const { node: builder } = await fetchRuntime(host, cacheDir);
  const { node, koffi } = await fetchRuntime(architecture, cacheDir);
  const runtime = join(folder, "node");
  // Node's symbols, a fifth of it, serve its developers only.
  await command(`${architecture.binutils}-strip`, ["--strip-unneeded", "-o", runtime, node]);
  const main = join(folder, "dockershim.js");
  writeFileSync(main, program);
  const output = join(folder, "dockershim");
  const config = join(folder, "executable.json");
  const content = {
    main,
    output,
    executable: runtime,
    disableExperimentalSEAWarning: true,
    useCodeCache: architecture === host,
    // Node's own options are no options of ours, from neither the command line nor the environment.
    execArgvExtension: "none",
    assets: { [nativeLibraryName]: koffi },
  };
  writeFileSync(config, JSON.stringify(content));
  await command(builder, ["--build-sea", config]);
  chmodSync(output, 0o755);
  return output;
}
