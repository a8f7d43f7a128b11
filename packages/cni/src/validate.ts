import { CniError } from "./errors.js";
import { type Network, withCniVersion } from "./network-config.js";
import type { PluginVersions } from "./plugin-version.js";
import { highestVersion } from "./version.js";

/**
 * Checks that a network can be executed: each plugin exists and speaks a version
 * that the configuration offers. Where the plugins don't know the highest one,
 * the network is returned with the highest that all of them know (CNI spec
 * 1.1.0, section 1, "Version considerations").
 */
export async function validateNetwork(
  versions: PluginVersions,
  network: Network,
  signal: AbortSignal,
): Promise<Network> {
  const types = [...new Set(network.plugins.map(({ type }) => type))];
  const supported = await Promise.all(types.map((type) => versions.of(type, signal)));
  const common = network.offeredVersions.filter((version) =>
    supported.every((list) => list.includes(version)),
  );
  const chosen = highestVersion(common);
  if (chosen !== undefined) return withCniVersion(network, chosen);
  const lacking = types.filter(
    (_, index) =>
      !supported[index]?.some((version) => network.offeredVersions.includes(version as never)),
  );
  throw new CniError(
    "unsupported_version",
    lacking.length === 0
      ? `the plugins of network ${network.name} have no version in common`
      : `plugin ${lacking.join(", ")} does not support version ${network.offeredVersions.join(", ")}`,
    { plugin: lacking[0] },
  );
}
