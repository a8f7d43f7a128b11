import { join } from "node:path";
import { createCni, watchNetworks } from "@dockershim/cni";
import type { ShimOptions } from "@dockershim/shim-server/options";
import type { NodePlaces } from "../node/node-places.js";
import type { NetworkFacts } from "./check-facts.js";
import { tryNetwork } from "./deep-network.js";
import { readListening } from "./read-node.js";

/**
 * Looks at the network by the daemon's own rules.
 *
 * @param deep Run the plugins for real, in a network namespace of its own, until the signal fires.
 */
export async function readNetwork(
  { root, procDir, path }: NodePlaces,
  options: ShimOptions,
  deep: AbortSignal | undefined,
): Promise<NetworkFacts> {
  const cacheDir = options.cniCacheDir === "" ? join(options.rootDir, "cni") : options.cniCacheDir;
  const binDirs = options.cniBinDirs.map((dir) => join(root, dir));
  const skipped = new Map<string, string>();
  const cni = createCni({ binDirs, cacheDir: join(root, cacheDir) });
  try {
    const watcher = await watchNetworks({
      confDir: join(root, options.cniConfDir),
      binDirs,
      cni,
      log: (_level, _message, { file, reason } = {}) => {
        if (typeof file === "string") skipped.set(file, String(reason));
      },
    });
    const state = watcher.current();
    watcher.close();
    const mapped = (await cni.cachedAttachments()).flatMap(({ containerId, capabilityArgs }) =>
      portsOf(capabilityArgs.portMappings).map((each) => ({ ...each, sandbox: containerId })),
    );
    const { network } = state;
    return {
      ready: state.ready,
      network: network && {
        name: network.name,
        file: network.file ?? "",
        plugins: network.plugins.map(({ type }) => type),
      },
      reason: state.ready ? "" : state.reason,
      skipped: [...skipped].map(([file, reason]) => `${file}: ${reason}`),
      deep:
        deep !== undefined && state.ready
          ? await tryNetwork(state.network, { binDirs, root, path, signal: deep })
          : undefined,
      mappedPorts: mapped,
      listening: await readListening(procDir),
    };
  } finally {
    cni.close();
  }
}

function portsOf(mappings: unknown): { readonly port: number; readonly protocol: string }[] {
  if (!Array.isArray(mappings)) return [];
  return mappings.flatMap(({ hostPort, protocol = "tcp" }) =>
    typeof hostPort === "number"
      ? [{ port: hostPort, protocol: String(protocol).toLowerCase() }]
      : [],
  );
}
