import { CniError } from "./errors.js";
import { isJsonObject } from "./json.js";
import type { PluginCaller } from "./plugin-call.js";
import { findPlugin } from "./plugin-path.js";
import { latestCniVersion } from "./version.js";

/** Asks plugins which versions they speak, each executable once. */
export interface PluginVersions {
  /** The versions that the plugin reports, implemented here or not. */
  of(type: string, signal: AbortSignal): Promise<readonly string[]>;
}

export function createPluginVersions(
  caller: PluginCaller,
  binDirs: readonly string[],
): PluginVersions {
  const known = new Map<
    string,
    { readonly identity: string; readonly versions: readonly string[] }
  >();
  return {
    of: async (type, signal) => {
      const { identity } = findPlugin(type, binDirs);
      const cached = known.get(type);
      if (cached?.identity === identity) return cached.versions;
      const versions = await askVersions(caller, type, signal);
      known.set(type, { identity, versions });
      return versions;
    },
  };
}

async function askVersions(
  caller: PluginCaller,
  type: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  let stdout: string;
  try {
    const request = { cniVersion: latestCniVersion };
    stdout = await caller.call({ command: "VERSION", type, request, signal });
  } catch (error) {
    // Plugins from before 0.2.0 don't know the command.
    if (error instanceof CniError && /unknown CNI_COMMAND/.test(error.msg)) return ["0.1.0"];
    throw error;
  }
  return readVersions(stdout, type);
}

function readVersions(stdout: string, plugin: string): readonly string[] {
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    answer = undefined;
  }
  if (isJsonObject(answer)) {
    const { cniVersion, supportedVersions } = answer;
    if (
      Array.isArray(supportedVersions) &&
      supportedVersions.length > 0 &&
      supportedVersions.every((version) => typeof version === "string")
    ) {
      return supportedVersions;
    }
    // The first version to have the command had no list in its answer.
    if (supportedVersions === undefined && cniVersion === "0.2.0") return ["0.1.0", "0.2.0"];
  }
  throw new CniError("invalid_result", `VERSION of plugin ${plugin}: no list of versions`, {
    plugin,
    command: "VERSION",
  });
}
