import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { ConformanceError } from "./conformance-error.ts";

/** The two programs of Kubernetes' cri-tools, and where they come from. */
export interface CriTools {
  readonly critest: string;
  readonly crictl: string;
  /** A module version such as "v1.36.0", or the folder of a checkout. */
  readonly version: string;
}

const moduleName = "sigs.k8s.io/cri-tools";
const moduleDir = join(import.meta.dirname, "cri-tools");

const goMissing =
  "conformance builds critest and crictl from source, so it needs Go (https://go.dev/dl; 1.21 or newer " +
  "fetches by itself the version that go.mod names): put `go` on the PATH";

/** The version that go.mod pins. */
function pinnedVersion(): string {
  const text = readFileSync(join(moduleDir, "go.mod"), "utf8");
  const version = /^require sigs\.k8s\.io\/cri-tools (\S+)/m.exec(text)?.[1];
  if (version === undefined)
    throw new ConformanceError(`${moduleDir}/go.mod pins no ${moduleName}`);
  return version;
}

function goProgram(): string {
  for (const program of ["go", "/usr/local/go/bin/go", "/usr/lib/go/bin/go"]) {
    if (spawnSync(program, ["version"], { stdio: "ignore" }).status === 0) return program;
  }
  throw new ConformanceError(goMissing);
}

function go(program: string, cwd: string, args: readonly string[]): void {
  const { status } = spawnSync(program, args, { cwd, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  throw new ConformanceError(
    `go ${args.join(" ")} failed in ${cwd}; the first build downloads ${moduleName} and what it needs ` +
      "from the Go module proxy (GOPROXY)",
  );
}

function cacheDir(key: string): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "dockershim", "cri-tools", key);
}

/**
 * Builds critest and crictl, unless the cache has them.
 *
 * @param source - A checkout of cri-tools to build from instead of the pinned module.
 * @throws {ConformanceError} when there is no Go, or the build fails.
 */
export function buildCriTools(source: string | undefined): CriTools {
  const folder = source === undefined ? moduleDir : resolve(source);
  const version = source === undefined ? pinnedVersion() : folder;
  const sums = join(folder, "go.sum");
  if (!existsSync(sums)) throw new ConformanceError(`${folder} is no Go module: it has no go.sum`);
  // A checkout can change under the same name, so it is built each time; Go's own cache makes that quick.
  const sum = createHash("sha256").update(readFileSync(sums)).digest("hex").slice(0, 12);
  const cache = cacheDir(source === undefined ? `${version}-${sum}` : `source-${sum}`);
  const tools = { critest: join(cache, "critest"), crictl: join(cache, "crictl"), version };
  const complete = existsSync(tools.critest) && existsSync(tools.crictl);
  if (complete && source === undefined) return tools;
  const program = goProgram();
  mkdirSync(cache, { recursive: true });
  console.error(
    `conformance: building critest and crictl ${version}; the first time takes minutes`,
  );
  for (const [target, verb] of [
    [tools.critest, ["test", "-c"]],
    [tools.crictl, ["build"]],
  ] as const) {
    const part = `${target}.part`;
    const name = target === tools.critest ? "critest" : "crictl";
    go(program, folder, [...verb, "-o", part, `${moduleName}/cmd/${name}`]);
    // Whole or not there at all: a build that was cut off must not look like a program.
    renameSync(part, target);
  }
  return tools;
}
