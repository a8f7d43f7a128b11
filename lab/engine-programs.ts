import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { debianCodename } from "./apt.ts";
import { command, toolPath } from "./command.ts";
import type { EngineChoice, LabConfig } from "./config.ts";
import { unpackCriu } from "./criu.ts";
import { compilerNeeds, findProgram, installMissing, type Need, unpackPackages } from "./debian.ts";
import { buildGoPrograms, type GoPrograms } from "./go-programs.ts";
import { LabError } from "./lab-error.ts";

/** The programs of one engine. */
export interface EnginePrograms {
  readonly dockerd: string;
  /** The PATH on which the engine finds its containerd, runc, docker-init, docker-proxy and the spec hook. */
  readonly path: string;
  /** Where the engine finds shared libraries besides the machine's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** A Debian suite whose docker.io package is of that major version, and libraries that a machine may lack. */
interface DebianEngine {
  readonly suite: string;
  readonly libraries: readonly string[];
}

const debianEngines: Readonly<Record<Exclude<EngineChoice, "29">, DebianEngine>> = {
  // Docker 20.10 is linked with a library of device mapper.
  "20": { suite: "bookworm", libraries: ["libdevmapper1.02.1"] },
  "26": { suite: "trixie", libraries: [] },
  "28": { suite: "sid", libraries: [] },
};

/** Where this checkout's spec hook is: containerd runs it for the containers that name it as their runtime. */
export const specHookFolder = fileURLToPath(
  new URL(
    `../packages/spec-hook/bin/${process.arch === "x64" ? "amd64" : process.arch}`,
    import.meta.url,
  ),
);

const staticTags = ["netgo", "osusergo", "static_build", "nri_no_wasm"];

/** Docker 29.8.1, which no Debian suite has, and the containerd and runc of its release. */
const builtEngine: readonly GoPrograms[] = [
  {
    module: "github.com/moby/moby/v2",
    version: "v2.0.0-beta.24",
    packages: ["cmd/dockerd", "cmd/docker-proxy"],
    tags: staticTags,
    // Without it the engine calls itself "dev", and a client cannot tell what it talks to.
    ldflags: "-X github.com/moby/moby/v2/dockerversion.Version=29.8.1",
    cgo: false,
  },
  {
    module: "github.com/containerd/containerd/v2",
    version: "v2.3.5",
    packages: ["cmd/containerd", "cmd/containerd-shim-runc-v2", "cmd/ctr"],
    tags: staticTags,
    cgo: false,
  },
  {
    module: "github.com/opencontainers/runc",
    version: "v1.5.1",
    packages: [""],
    tags: ["seccomp"],
    cgo: true,
  },
];

/** What Docker's own packages have with 26 to 28: Debian's runc is older, and cannot map the ids of mounts. */
const newRunc: GoPrograms = {
  module: "github.com/opencontainers/runc",
  version: "v1.3.4",
  packages: [""],
  tags: ["seccomp"],
  cgo: true,
};

/** runc is linked with the library that turns seccomp profiles into filters. */
const runcNeeds: readonly Need[] = [
  { file: "/usr/include/seccomp.h", package: "libseccomp-dev" },
  { file: "pkg-config", package: "pkgconf" },
  ...compilerNeeds,
];

async function majorOf(dockerd: string, env: Record<string, string> = {}): Promise<string> {
  const version = await command(dockerd, ["--version"], { env });
  return /version (\d+)\./.exec(version)?.[1] ?? version.trim();
}

/**
 * Finds the wanted engine, and fetches it where it is missing: the machine's own when it is of that version;
 * else the packages of the Debian suite that has it, unpacked into the cache, with the machine's runc; Docker
 * 29 is built from its Go modules, runc included.
 */
export async function enginePrograms(
  config: LabConfig,
  signal?: AbortSignal,
): Promise<EnginePrograms> {
  await installMissing([{ file: "tini-static", package: "tini" }], signal);
  const programs = await engineOf(config, signal);
  const first: string[] = [];
  if (config.criu) first.push(await unpackCriu(config.cacheDir, signal));
  if (config.newRunc) {
    await installMissing(runcNeeds, signal);
    first.push(await buildGoPrograms(config.cacheDir, newRunc, signal));
  }
  return { ...programs, path: [...first, programs.path].join(":") };
}

async function engineOf(config: LabConfig, signal?: AbortSignal): Promise<EnginePrograms> {
  const { engine } = config;
  const programs =
    (await ownEngine(engine, signal)) ??
    (engine === "29"
      ? await build(config, signal)
      : await unpack(config, debianEngines[engine], signal));
  return { ...programs, path: `${programs.path}:${specHookFolder}` };
}

/** The engine that the machine itself has, or that its own Debian release has and that is installed then. */
async function ownEngine(
  engine: EngineChoice,
  signal?: AbortSignal,
): Promise<EnginePrograms | undefined> {
  if (engine !== "29") {
    await installMissing([{ file: "runc", package: "runc" }], signal);
    if (debianEngines[engine].suite === debianCodename()) {
      const needs = ["containerd", "dockerd"].map((file) => ({
        file,
        package: file === "dockerd" ? "docker.io" : file,
      }));
      await installMissing(needs, signal);
    }
  }
  const dockerd = findProgram("dockerd");
  if (dockerd === undefined || (await majorOf(dockerd)) !== engine) return undefined;
  return { dockerd, path: toolPath, env: {} };
}

async function unpack(
  config: LabConfig,
  { suite, libraries }: DebianEngine,
  signal?: AbortSignal,
): Promise<EnginePrograms> {
  const tree = join(config.cacheDir, `docker${config.engine}`);
  await unpackPackages(tree, ["docker.io", "containerd", ...libraries], { suite, signal });
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
  linkInit(join(tree, "usr/bin/tini-static"));
  const path = [join(tree, "usr/sbin"), join(tree, "usr/bin"), toolPath].join(":");
  return { dockerd, path, env };
}

async function build(config: LabConfig, signal?: AbortSignal): Promise<EnginePrograms> {
  await installMissing(runcNeeds, signal);
  const folders: string[] = [];
  for (const programs of builtEngine) {
    folders.push(await buildGoPrograms(config.cacheDir, programs, signal));
  }
  const [moby = ""] = folders;
  linkInit(join(moby, "docker-init"));
  return { dockerd: join(moby, "dockerd"), path: [...folders, toolPath].join(":"), env: {} };
}

/** Makes the machine's tini known under the name by which an engine looks for it. */
function linkInit(file: string): void {
  const tini = findProgram("tini-static");
  if (existsSync(file) || tini === undefined) return;
  try {
    symlinkSync(tini, file);
  } catch (error) {
    // Another run of the lab was quicker.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
