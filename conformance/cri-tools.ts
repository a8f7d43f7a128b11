import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { cacheFolder } from "../lab/cache.ts";
import { findGo, runGo } from "../lab/go-programs.ts";
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

/** The version that go.mod pins. */
function pinnedVersion(): string {
  const text = readFileSync(join(moduleDir, "go.mod"), "utf8");
  const version = /^require sigs\.k8s\.io\/cri-tools (\S+)/m.exec(text)?.[1];
  if (version === undefined) {
    throw new ConformanceError(`${moduleDir}/go.mod pins no ${moduleName}`);
  }
  return version;
}

function cacheDir(key: string): string {
  const base = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(base, "dockershim", `cri-tools-${key}`);
}

/**
 * Builds critest and crictl, unless the cache has them.
 *
 * @param source - A checkout of cri-tools to build from instead of the pinned module.
 * @throws {ConformanceError} when there is no Go.
 * @throws {LabError} when the build fails, in the first run for want of the Go module proxy (GOPROXY).
 */
export async function buildCriTools(source: string | undefined): Promise<CriTools> {
  const folder = source === undefined ? moduleDir : resolve(source);
  const version = source === undefined ? pinnedVersion() : folder;
  const sums = join(folder, "go.sum");
  if (!existsSync(sums)) throw new ConformanceError(`${folder} is no Go module: it has no go.sum`);
  const sum = createHash("sha256").update(readFileSync(sums)).digest("hex").slice(0, 12);
  const target = cacheDir(source === undefined ? `${version}-${sum}` : `source-${sum}`);
  // A checkout can change under the same name, so it is built each time; Go's own cache makes that quick.
  if (source !== undefined) rmSync(target, { recursive: true, force: true });
  mkdirSync(dirname(target), { recursive: true });
  const what = `building critest and crictl ${version} with Go; the first time takes minutes`;
  await cacheFolder(target, { what }, async ({ part, lock }) => {
    const go = await findGo();
    if (go === undefined) {
      throw new ConformanceError(
        "conformance builds critest and crictl from source, so it needs Go (https://go.dev/dl; 1.21 or newer " +
          "fetches by itself the version that go.mod names): put `go` on the PATH",
      );
    }
    const options = { cwd: folder, inherit: lock };
    for (const verb of [["test", "-c"], ["build"]]) {
      const name = verb[0] === "test" ? "critest" : "crictl";
      await runGo(go, [...verb, "-o", join(part, name), `${moduleName}/cmd/${name}`], options);
    }
  });
  return { critest: join(target, "critest"), crictl: join(target, "crictl"), version };
}
