import { lstat, stat } from "node:fs/promises";
import { join } from "node:path";
import { type CachedAttachment, createCni, loadNetworks, type Network } from "@dockershim/cni";
import { type AddressLease, leaseDirsOf, readLeases } from "../machine/host-local.js";
import { runProgram } from "../machine/run-program.js";
import { cniCacheOf, type OpenNode } from "../node/open-node.js";
import type { CachedResult, NetworkUse, PluggedInterface } from "./judge-remains.js";

/** Where containerd, CRI-O and cri-dockerd keep theirs. */
const otherCaches = ["/var/lib/cni", "/var/lib/cni/cache"];

/** All results of CNI plugins on the node. */
export interface ReadResults {
  readonly results: readonly CachedResult[];
  /** Files that say nothing: what they are of is not known. */
  readonly unreadable: readonly string[];
}

export async function readResults(node: OpenNode): Promise<ReadResults> {
  const own = cniCacheOf(node);
  const unreadable: string[] = [];
  const cni = createCni({
    binDirs: [],
    cacheDir: own,
    extraCacheDirs: otherCaches.map((dir) => join(node.root, dir)).filter((dir) => dir !== own),
    log: (_level, _message, { file } = {}) => unreadable.push(String(file)),
  });
  try {
    const cached = await cni.cachedAttachments();
    return { results: await Promise.all(cached.map(toResult)), unreadable };
  } finally {
    cni.close();
  }
}

async function toResult(cached: CachedAttachment): Promise<CachedResult> {
  const { file, containerId, network, readOnly, complete, result } = cached;
  return {
    ...{ file, containerId, network, complete },
    own: !readOnly,
    interfaces: Array.isArray(result?.interfaces)
      ? result.interfaces.flatMap((each: { name?: unknown; sandbox?: unknown }) =>
          typeof each.name === "string" && !each.sandbox ? [each.name] : [],
        )
      : undefined,
    // One that has just gone is not old.
    since: (await stat(file).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY,
  };
}

/** What the networks that are configured for the daemon use on the node. */
export async function readNetworkUse(
  node: OpenNode,
  known: ReadonlySet<string>,
  results: readonly CachedResult[],
): Promise<NetworkUse & { readonly leases: readonly AddressLease[] }> {
  const { root, options } = node;
  const { networks } = await loadNetworks(join(root, options.cniConfDir));
  const dirs = new Set(networks.flatMap(leaseDirsOf));
  const leases = await Promise.all([...dirs].map((dir) => readLeases(join(root, dir))));
  return {
    ...{ known, results },
    networks: new Set(networks.map(({ name }) => name)),
    bridges: new Set(networks.flatMap(bridgesOf)),
    leases: leases.flat(),
  };
}

/** `cni0` is the bridge plugin's own where none is named. */
function bridgesOf({ plugins }: Network): string[] {
  return plugins.flatMap(({ type, config }) => {
    if (type !== "bridge") return [];
    return [typeof config.bridge === "string" ? config.bridge : "cni0"];
  });
}

/** What `ip -json link` tells of an interface. */
interface LinkFacts {
  readonly ifname: string;
  readonly master?: string;
  /** By which number this namespace knows that of the other end. */
  readonly link_netnsid?: number;
}

/**
 * Ends of pairs of interfaces that are plugged into a bridge.
 *
 * @returns undefined where `ip` or `lsns` cannot be asked.
 */
export async function readPlugged({
  root,
  path,
}: OpenNode): Promise<PluggedInterface[] | undefined> {
  const options = { path, timeoutMs: 10_000 };
  const links = await runProgram("ip", ["-json", "link", "show", "type", "veth"], options);
  // Namespaces that a process is in.
  const used = await runProgram("lsns", ["-t", "net", "-n", "-o", "NETNSID"], options);
  if (links.code !== 0 || used.code !== 0) return undefined;
  const namespaces = new Set(used.stdout.split("\n").map((line) => line.trim()));
  const found: readonly LinkFacts[] = JSON.parse(links.stdout || "[]");
  return await Promise.all(
    found
      .filter(({ master }) => master !== undefined)
      .map(async ({ ifname: name, master: bridge = "", link_netnsid: other }) => {
        // The kernel dates the entry when it is first looked up, which is not before the interface was made.
        const entry = await lstat(join(root, "/sys/class/net", name)).catch(() => undefined);
        return {
          ...{ name, bridge },
          since: entry?.mtimeMs ?? Number.POSITIVE_INFINITY,
          isUsed: other !== undefined && namespaces.has(`${other}`),
        };
      }),
  );
}
