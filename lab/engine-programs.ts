import { existsSync, symlinkSync } from "node:fs";
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

async function majorOf(dockerd: string): Promise<string> {
  const version = await command(dockerd, ["--version"]);
  return /version (\d+)\./.exec(version)?.[1] ?? version.trim();
}

/** The programs of one engine. */
export interface EnginePrograms {
  readonly dockerd: string;
  /** The PATH on which the engine finds its containerd, runc, docker-init and docker-proxy. */
  readonly path: string;
}

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
    return { dockerd: own, path: toolPath };
  }
  const tree = join(config.cacheDir, `docker${config.engine}`);
  await unpackPackages(tree, ["docker.io", "containerd"], suite);
  const dockerd = join(tree, "usr/sbin/dockerd");
  const major = await majorOf(dockerd);
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
  return { dockerd, path: `${join(tree, "usr/sbin")}:${join(tree, "usr/bin")}:${toolPath}` };
}
