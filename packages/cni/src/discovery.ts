import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { CniError } from "./errors.js";
import type { JsonObject } from "./json.js";
import {
  type Network,
  parseNetworkConfig,
  parsePluginObject,
  readNetworkName,
} from "./network-config.js";
import { maxConfigBytes, readRegularFile } from "./read-file.js";

const networkExtensions: readonly string[] = [".conf", ".conflist", ".json"];

/** A file that holds no usable network. */
export interface RejectedConfig {
  readonly file: string;
  readonly error: CniError;
}

/** What a directory of network configurations has. */
export interface LoadedNetworks {
  /** In bytewise order of their file names; the first is the default network. */
  readonly networks: readonly Network[];
  readonly rejected: readonly RejectedConfig[];
}

/**
 * Reads the network configurations of a directory: files ending in `.conf`,
 * `.conflist` and `.json`, in bytewise order of their names. Unless it says
 * `loadOnlyInlinedPlugins`, a network also has the plugins in
 * `<confDir>/<network>/*.conf` (CNI spec 1.1.0, section 1).
 *
 * What is no regular file, or larger than 1 MiB, is rejected unread. A
 * directory that is not there holds no networks. Whether the plugins exist
 * is not looked at: see `Cni.validate`.
 *
 * @throws CniError `invalid_config` when the directory cannot be read
 */
export async function loadNetworks(confDir: string): Promise<LoadedNetworks> {
  const networks: Network[] = [];
  const rejected: RejectedConfig[] = [];
  for (const file of await listConfigFiles(confDir, networkExtensions)) {
    try {
      networks.push(await loadNetwork(file, confDir));
    } catch (reason) {
      rejected.push({ file, error: CniError.from(reason, "invalid_config", `cannot use ${file}`) });
    }
  }
  return { networks, rejected };
}

async function loadNetwork(file: string, confDir: string): Promise<Network> {
  const text = await readRegularFile(file, maxConfigBytes);
  const extraPlugins: JsonObject[] = [];
  for (const pluginFile of await listConfigFiles(join(confDir, readNetworkName(text)), [".conf"])) {
    try {
      extraPlugins.push(parsePluginObject(await readRegularFile(pluginFile, maxConfigBytes)));
    } catch (cause) {
      throw new CniError("invalid_config", `${pluginFile}: ${(cause as Error).message}`, { cause });
    }
  }
  return parseNetworkConfig(text, { file, extraPlugins });
}

/** Paths of the files with those extensions, in bytewise order. */
async function listConfigFiles(dir: string, extensions: readonly string[]): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
      throw CniError.from(error, "invalid_config", `cannot read ${dir}`);
    },
  );
  return entries
    .filter((entry) => !entry.isDirectory() && extensions.includes(extname(entry.name)))
    .map((entry) => entry.name)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((name) => join(dir, name));
}
