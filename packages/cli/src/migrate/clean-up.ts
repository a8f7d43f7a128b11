import { rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type CachedAttachment, createCni } from "@dockershim/cni";
import { createDockerClient } from "@dockershim/docker-client";
import { readLeases } from "../machine/host-local.js";
import { findLeftovers, type Leftover, type Remains } from "./leftovers.js";
import type { MigrateReport } from "./migrate-report.js";

/** Where cri-dockerd and CNI left what they left. */
export interface CleanUpPlaces {
  readonly dockerEndpoint: string;
  /** cri-dockerd's own folder. */
  readonly criDockerdRoot: string;
  /** CNI caches, that of cri-dockerd alone first. */
  readonly cniCacheDirs: readonly string[];
  readonly cniBinDirs: readonly string[];
  /** Where host-local keeps which address is whose; a folder for each network. */
  readonly addressDir: string;
}

/**
 * Looks for what cri-dockerd left of pods that are gone. Nothing is changed.
 *
 * @throws DockerError where the engine cannot tell which pods it has: then nothing may go.
 */
export async function readLeftovers(
  places: CleanUpPlaces,
  { orphans, unreadable }: Pick<MigrateReport, "orphans" | "unreadable">,
): Promise<Leftover[]> {
  const results: Remains["results"][number][] = [];
  for (const [index, dir] of places.cniCacheDirs.entries()) {
    const cni = createCni({ binDirs: [], cacheDir: dir });
    for (const each of await cni.cachedAttachments()) {
      const { containerId: id, file } = each;
      const pod = podOf(each);
      // What Kubernetes did not ask for is not of a pod.
      const own = index === 0 && pod !== "";
      results.push({ file, id, pod, own, hostPorts: hostPortsOf(each) });
    }
    cni.close();
  }
  const checkpoints = [
    ...orphans.map(({ id, namespace, name }) => ({
      ...{ id, pod: `${namespace}/${name}` },
      file: join(places.criDockerdRoot, "sandbox", id),
    })),
    ...unreadable.map(({ file }) => ({ file, id: basename(file), pod: "" })),
  ];
  // Ids that are no container's are not cri-dockerd's.
  const leases = await readLeases(places.addressDir);
  const addresses = leases.filter(({ id }) => /^[0-9a-f]{64}$/.test(id));
  // Last, so that a pod which has come meanwhile is among them.
  const present = await readContainers(places.dockerEndpoint);
  return findLeftovers({ checkpoints, results, addresses, present });
}

/**
 * Removes a leftover. A network is taken down by the plugins that made it, which gives back its addresses and host
 * ports.
 *
 * @throws CniError when a plugin fails; then the file stays.
 */
export async function removeLeftover(
  { kind, file, id }: Leftover,
  { cniBinDirs }: CleanUpPlaces,
): Promise<void> {
  if (kind !== "network") return await rm(file, { force: true });
  const cni = createCni({ binDirs: cniBinDirs, cacheDir: dirname(dirname(file)) });
  try {
    for (const { ifName, containerId } of await cni.cachedAttachments({ containerId: id })) {
      await cni.del({ containerId, ifName, netns: "" });
    }
  } finally {
    cni.close();
  }
}

async function readContainers(endpoint: string): Promise<Set<string>> {
  const docker = createDockerClient({ endpoint });
  try {
    return new Set((await docker.containers.list({ all: true })).map(({ Id }) => Id));
  } finally {
    await docker.close();
  }
}

function podOf({ args }: CachedAttachment): string {
  const { K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: name } = Object.fromEntries(args);
  return namespace === undefined || name === undefined ? "" : `${namespace}/${name}`;
}

function hostPortsOf({ capabilityArgs }: CachedAttachment): number[] {
  const { portMappings } = capabilityArgs as { portMappings?: { hostPort?: unknown }[] };
  if (!Array.isArray(portMappings)) return [];
  return portMappings.flatMap(({ hostPort }) => (typeof hostPort === "number" ? [hostPort] : []));
}
