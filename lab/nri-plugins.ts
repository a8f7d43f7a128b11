import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "./cache.ts";
import type { LabConfig } from "./config.ts";
import { compilerNeeds, installMissing } from "./debian.ts";
import { buildGoPrograms, type GoPrograms, requireGo, runGo } from "./go-programs.ts";

/** Where NRI plugins of others are, ready to be run. */
export interface NriPlugins {
  /** Of containers/nri-plugins; `mpolset`, which it mounts into containers, is beside it. */
  readonly memoryPolicy: string;
  /** NVIDIA's toolkit as its GPU operator runs it, with its plugin in it. */
  readonly nvidiaInstaller: string;
  /** Our plugin on upstream's own stub, which is told of everything. */
  readonly stub: string;
}

/** Its module replaces others of its own repository, so that Go installs nothing of it by its version. */
const memoryPolicyFolder = join(import.meta.dirname, "nri-plugins");
const memoryPolicyPackages = ["cmd/plugins/memory-policy", "cmd/mpolset"].map(
  (path) => `github.com/containers/nri-plugins/${path}`,
);

const nvidia: GoPrograms = {
  module: "github.com/NVIDIA/nvidia-container-toolkit",
  version: "v1.20.0",
  packages: ["cmd/nvidia-ctk-installer"],
  tags: [],
  cgo: true,
};

const stubFolder = fileURLToPath(new URL("../packages/nri/test/go-plugin", import.meta.url));

/**
 * Builds them into the lab's cache, unless they are there; the first time takes minutes.
 *
 * @throws LabError when there is no Go, or a build fails
 */
export async function nriPlugins({ cacheDir }: Pick<LabConfig, "cacheDir">): Promise<NriPlugins> {
  await installMissing(compilerNeeds);
  const memoryPolicy = await buildFolder(cacheDir, memoryPolicyFolder, memoryPolicyPackages);
  const stub = await buildFolder(cacheDir, stubFolder, ["."], ["main.go"]);
  return {
    memoryPolicy: join(memoryPolicy, "memory-policy"),
    nvidiaInstaller: join(await buildGoPrograms(cacheDir, nvidia), "nvidia-ctk-installer"),
    stub: join(stub, basename(stubFolder)),
  };
}

/** Builds packages with the versions that a folder's go.sum pins; anew when that or a source has changed. */
async function buildFolder(
  cacheDir: string,
  folder: string,
  packages: readonly string[],
  sources: readonly string[] = [],
): Promise<string> {
  const hash = createHash("sha256");
  for (const file of ["go.sum", ...sources]) hash.update(readFileSync(join(folder, file)));
  const parent = join(cacheDir, "go");
  mkdirSync(parent, { recursive: true });
  const target = join(parent, `${basename(folder)}-${hash.digest("hex").slice(0, 12)}`);
  const what = `building ${basename(folder)} with Go; the first time takes minutes`;
  await cacheFolder(target, { what }, async ({ part, lock }) => {
    const env = { CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" };
    const args = ["build", "-o", `${part}/`, ...packages];
    await runGo(await requireGo("an NRI plugin"), args, { cwd: folder, env, inherit: lock });
  });
  return target;
}
