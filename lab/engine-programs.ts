import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { command, toolPath } from "./command.ts";
import type { EngineChoice, LabConfig } from "./config.ts";
import { debianCodename, findProgram, installMissing, unpackPackages } from "./debian.ts";
import { LabError } from "./lab-error.ts";

/** The Debian suite whose docker.io package is of that major version. */
const suites: Readonly<Record<EngineChoice, string>> = {
  "20": "bookworm",
  "26": "trixie",
  "28": "sid",
};

async function majorOf(dockerd: string, env: Record<string, string> = {}): Promise<string> {
  const version = await command(dockerd, ["--version"], { env });
  return /version (\d+)\./.exec(version)?.[1] ?? version.trim();
}

/** The programs of one engine. */
export interface EnginePrograms {
  readonly dockerd: string;
  /** The PATH on which the engine finds its containerd, runc, docker-init and docker-proxy. */
  readonly path: string;
  /** Where the engine finds shared libraries besides the machine's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** The library that Docker 20.10 is linked with and that a machine without it may lack. */
const libraries: Readonly<Record<EngineChoice, readonly string[]>> = {
  "20": ["libdevmapper1.02.1"],
  "26": [],
  "28": [],
};

/**
 * Finds the wanted engine: the machine's own when it is of that version, else the packages of the Debian
 * suite that has it, unpacked into the cache; runc is always the machine's.
 */
export async function enginePrograms(config: LabConfig): Promise<EnginePrograms> {
  await installMissing([
    { file: "runc", package: "runc" },
    { file: "tini-static", package: "tini" },
  ]);
  const suite = suites[config.engine];
  if (suite === debianCodename()) {
    await installMissing([
      { file: "dockerd", package: "docker.io" },
      { file: "containerd", package: "containerd" },
    ]);
  }
  const own = findProgram("dockerd");
  if (own !== undefined && (await majorOf(own)) === config.engine) {
    return { dockerd: own, path: toolPath, env: {} };
  }
  const tree = join(config.cacheDir, `docker${config.engine}`);
  await unpackPackages(tree, ["docker.io", "containerd", ...libraries[config.engine]], suite);
  const lib = ["lib", "usr/lib"]
    .map((folder) => join(tree, folder))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((entry) => join(folder, entry)))
    .filter((folder) => folder.endsWith("-linux-gnu"));
  const env: Record<string, string> = lib.length > 0 ? { LD_LIBRARY_PATH: lib.join(":") } : {};
  const dockerd = join(tree, "usr/sbin/dockerd");
  const major = await majorOf(dockerd, env);
  if (major !== config.engine) {
    throw new LabError(
      "host",
      `Debian ${suite} has Docker ${major} now, not ${config.engine}; remove ${tree} once it has it again`,
    );
  }
  // The package's docker-init is a link to a program of another package, relative to /usr/bin.
  const init = join(tree, "usr/bin/tini-static");
  const tini = findProgram("tini-static");
  if (!existsSync(init) && tini !== undefined) symlinkSync(tini, init);
  const path = [join(tree, "usr/sbin"), join(tree, "usr/bin"), toolPath].join(":");
  return { dockerd, path, env };
}
