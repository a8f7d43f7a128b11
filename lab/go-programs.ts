import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { cacheFolder } from "./cache.ts";
import { type CommandOptions, command, tryCommand } from "./command.ts";
import { LabError } from "./lab-error.ts";

/** Programs that one Go module is built to. */
export interface GoPrograms {
  readonly module: string;
  /** A version that the Go module proxy has. */
  readonly version: string;
  /** Packages below the module; empty for the module itself. */
  readonly packages: readonly string[];
  readonly tags: readonly string[];
  readonly ldflags?: string;
  /** Whether C code is compiled too. */
  readonly cgo: boolean;
}

/** The Go command, which a shell's PATH often lacks; undefined when there is none. */
export async function findGo(): Promise<string | undefined> {
  for (const program of ["go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"]) {
    if ((await tryCommand(program, ["version"])).code === 0) return program;
  }
  return undefined;
}

/**
 * The Go command.
 *
 * @param what - What is built from source with it, for the person who has none.
 * @throws LabError `host` where there is no Go
 */
export async function requireGo(what: string): Promise<string> {
  const go = await findGo();
  if (go === undefined) {
    throw new LabError("host", `${what} is built from source: put Go (go.dev/dl) on the PATH`);
  }
  return go;
}

/** Runs Go at low priority: whoever works on this machine meanwhile comes first. */
export async function runGo(
  go: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<void> {
  await command("nice", ["-n", "10", go, ...args], options);
}

/**
 * Builds the programs of a module into a folder of the cache, unless they are there; returns the folder.
 * Go's own caches keep what a killed build had done.
 */
export async function buildGoPrograms(
  cacheDir: string,
  { module, version, packages, tags, ldflags, cgo }: GoPrograms,
  signal?: AbortSignal,
): Promise<string> {
  const folder = join(cacheDir, "go");
  mkdirSync(folder, { recursive: true });
  const target = join(folder, `${module.replaceAll("/", "+")}@${version}`);
  const names = packages.map((path) => basename(path || module)).join(", ");
  const what = `building ${names} from ${module}@${version} with Go; this takes minutes`;
  await cacheFolder(target, { what, signal }, async ({ part, lock }) => {
    const go = await requireGo(module);
    const paths = packages.map((path) => [module, path].filter(Boolean).join("/"));
    const flags = [
      "-tags",
      tags.join(" "),
      ...(ldflags === undefined ? [] : ["-ldflags", ldflags]),
    ];
    const args = ["install", ...flags, ...paths.map((path) => `${path}@${version}`)];
    const env = { GOBIN: part, CGO_ENABLED: cgo ? "1" : "0", GOFLAGS: "", GOWORK: "off" };
    await runGo(go, args, { cwd: tmpdir(), env, inherit: lock, signal });
  });
  return target;
}
