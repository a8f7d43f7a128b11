import { CniError } from "./errors.js";
import { isJsonObject, type JsonObject } from "./json.js";
import { type CniVersion, highestVersion, isCniVersion } from "./version.js";

/** One plugin of a network, as configured (CNI spec 1.1.0, section 1). */
export interface PluginConfig {
  /** File name of the plugin's executable. */
  readonly type: string;
  /** The capabilities that the configuration declares, `false` ones left out. */
  readonly capabilities: ReadonlySet<string>;
  /** The configuration object as read; unknown members are passed on to the plugin. */
  readonly config: JsonObject;
}

/** A network configuration, ready to be executed. */
export interface Network {
  readonly name: string;
  /** The version spoken with the plugins. */
  readonly cniVersion: CniVersion;
  /** The implemented versions among `cniVersion` and `cniVersions`, as configured. */
  readonly offeredVersions: readonly CniVersion[];
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  readonly loadOnlyInlinedPlugins: boolean;
  readonly plugins: readonly PluginConfig[];
  /**
   * The configuration list as JSON text. The result cache keeps it, so that an
   * attachment is torn down with the configuration that it was made with.
   */
  readonly text: string;
  /** The file that it was read from, if any. */
  readonly file?: string | undefined;
}

const validName = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;

/**
 * Parses a network configuration: a list (`plugins`), or a single plugin
 * (`type`), which specification 1.0.0 dropped but which is still found in
 * `.conf` and `.json` files and is read as a list of one.
 *
 * @param text JSON text of the configuration
 * @param options `file` names the source in errors; `extraPlugins` are the plugin
 *   objects found in the folder named after the network (appended unless
 *   `loadOnlyInlinedPlugins`)
 * @throws CniError `invalid_config` or `unsupported_version`
 */
export function parseNetworkConfig(
  text: string,
  options: { readonly file?: string; readonly extraPlugins?: readonly JsonObject[] } = {},
): Network {
  const object = parseObject(text);
  const single = isSinglePlugin(object);
  const list = single ? wrapSinglePlugin(object) : object;
  const offeredVersions = readVersions(list);
  const cniVersion = highestVersion(offeredVersions);
  if (cniVersion === undefined) {
    throw new CniError(
      "unsupported_version",
      `network ${JSON.stringify(list.name)} has no supported version: cniVersion is ${JSON.stringify(list.cniVersion)}`,
    );
  }
  const loadOnlyInlinedPlugins = readBoolean(list, "loadOnlyInlinedPlugins");
  if (list.plugins === undefined && loadOnlyInlinedPlugins) {
    throw invalid("loadOnlyInlinedPlugins is true, but there is no plugins list");
  }
  const inlined = list.plugins === undefined ? [] : readPluginList(list.plugins);
  const appended = single || loadOnlyInlinedPlugins ? [] : (options.extraPlugins ?? []);
  const plugins = [...inlined, ...appended].map(readPlugin);
  if (plugins.length === 0) throw invalid("no plugins");
  return {
    name: readName(list),
    cniVersion,
    offeredVersions,
    disableCheck: readBoolean(list, "disableCheck"),
    disableGC: readBoolean(list, "disableGC"),
    loadOnlyInlinedPlugins,
    plugins,
    text: standAloneText(text, list, single, plugins, appended.length > 0),
    file: options.file,
  };
}

/**
 * Fixes the version that a network speaks, for when its plugins don't know the
 * highest one that the configuration offers.
 */
export function withCniVersion(network: Network, cniVersion: CniVersion): Network {
  if (cniVersion === network.cniVersion) return network;
  const { cniVersions: _, ...list } = readList(network.text);
  return {
    ...network,
    cniVersion,
    offeredVersions: [cniVersion],
    text: JSON.stringify({ ...list, cniVersion }),
  };
}

/** What is cached must be a list that stands alone, with the plugins from the folder in it. */
function standAloneText(
  text: string,
  list: JsonObject,
  single: boolean,
  plugins: readonly PluginConfig[],
  appended: boolean,
): string {
  if (appended) {
    const objects = plugins.map((plugin) => plugin.config);
    return JSON.stringify({ ...list, loadOnlyInlinedPlugins: true, plugins: objects });
  }
  return single ? JSON.stringify(list) : text;
}

/** The name of the network in a configuration text, for finding its plugin folder. */
export function readNetworkName(text: string): string {
  return readName(readList(text));
}

/**
 * Parses a plugin object from a file of its own (`<dir>/<network>/*.conf`).
 *
 * @throws CniError `invalid_config`
 */
export function parsePluginObject(text: string): JsonObject {
  const object = parseObject(text);
  readPlugin(object);
  return object;
}

function readList(text: string): JsonObject {
  const object = parseObject(text);
  return isSinglePlugin(object) ? wrapSinglePlugin(object) : object;
}

function isSinglePlugin(object: JsonObject): boolean {
  return object.plugins === undefined && object.type !== undefined;
}

function wrapSinglePlugin(object: JsonObject): JsonObject {
  const { name, cniVersion, cniVersions } = object;
  return {
    name,
    ...(cniVersion === undefined ? {} : { cniVersion }),
    ...(cniVersions === undefined ? {} : { cniVersions }),
    plugins: [object],
  };
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw CniError.from(error, "invalid_config", "not JSON");
  }
  if (!isJsonObject(value)) throw invalid("not a JSON object");
  return value;
}

function readName(list: JsonObject): string {
  const { name } = list;
  if (name === undefined || name === "") throw invalid("no name");
  if (typeof name !== "string" || !validName.test(name)) {
    throw invalid(`invalid name ${JSON.stringify(name)}`);
  }
  return name;
}

function readVersions(list: JsonObject): CniVersion[] {
  const { cniVersion = "", cniVersions = [] } = list;
  if (typeof cniVersion !== "string") {
    throw invalid(`cniVersion must be a string, not ${JSON.stringify(cniVersion)}`);
  }
  if (!Array.isArray(cniVersions) || !cniVersions.every((entry) => typeof entry === "string")) {
    throw invalid("cniVersions must be a list of strings");
  }
  const named = cniVersion === "" && cniVersions.length > 0 ? [] : [cniVersion || "0.1.0"];
  return [...new Set<string>([...named, ...cniVersions])].filter(isCniVersion);
}

/** Booleans may be written as strings, which libcni also accepts. */
function readBoolean(list: JsonObject, key: string): boolean {
  const value = list[key] ?? false;
  if (typeof value === "boolean") return value;
  const word = typeof value === "string" ? value.toLowerCase() : undefined;
  if (word !== "true" && word !== "false") {
    throw invalid(`${key} must be true or false, not ${JSON.stringify(value)}`);
  }
  return word === "true";
}

function readPluginList(plugins: unknown): JsonObject[] {
  if (!Array.isArray(plugins) || !plugins.every(isJsonObject)) {
    throw invalid("plugins must be a list of objects");
  }
  if (plugins.length === 0) throw invalid("plugins is empty");
  return plugins;
}

function readPlugin(config: JsonObject): PluginConfig {
  const { type, capabilities = {} } = config;
  if (typeof type !== "string" || type === "") throw invalid("a plugin has no type");
  // The type becomes a file name: it must not lead out of the plugin directories.
  if (/[/\\\0]/.test(type) || type === "." || type === "..") {
    throw invalid(`invalid plugin type ${JSON.stringify(type)}`);
  }
  if (!isJsonObject(capabilities)) {
    throw invalid(`capabilities of plugin ${type} must be an object`);
  }
  const enabled = Object.keys(capabilities).filter((key) => capabilities[key] === true);
  return { type, capabilities: new Set(enabled), config };
}

function invalid(message: string): CniError {
  return new CniError("invalid_config", message);
}
