import type { AddressLease } from "../machine/host-local.js";
import { shortId } from "../output/short-id.js";
import type { Remain } from "./remain.js";

// What is orphaned is decided here, of facts that were just read; every function is asked again just before a removal.
// All of them keep what is younger than `olderThan`, in milliseconds since the epoch: it may be in the making.

/** A sandbox as its runtime lists it. */
export interface ListedSandbox {
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly ready: boolean;
  readonly since: number;
}

/** A container as its runtime lists it. */
export interface ListedContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly running: boolean;
  readonly since: number;
}

/** Pods that the kubelet has a folder of, by their UIDs; undefined on a node without a kubelet. */
export type KubeletPods = ReadonlySet<string> | undefined;

/**
 * Sandboxes that nothing runs in and nobody asks for. The kubelet makes a pod's folder before its sandbox. Without a
 * kubelet, one that is ready is somebody's who made it by hand.
 */
export function orphanedSandboxes(
  sandboxes: readonly ListedSandbox[],
  containers: readonly ListedContainer[],
  kubeletPods: KubeletPods,
  olderThan: number,
): Remain[] {
  const used = new Set(containers.map(({ sandboxId }) => sandboxId));
  return sandboxes
    .filter(({ id, uid, ready, since }) => {
      const wanted = kubeletPods === undefined ? ready : kubeletPods.has(uid);
      return !used.has(id) && !wanted && since < olderThan;
    })
    .map(({ id, namespace, name, ready, since }) => ({
      id,
      what: `${namespace}/${name} (${shortId(id, false)})`,
      why:
        kubeletPods === undefined
          ? "it has ended, and has no containers"
          : `${ready ? "it runs without containers" : "it has no containers"}, and the kubelet has no such pod`,
      since,
    }));
}

/** Containers that do not run and have lost their sandbox: nobody asks for them by their pod any more. */
export function orphanedContainers(
  sandboxes: readonly ListedSandbox[],
  containers: readonly ListedContainer[],
  olderThan: number,
): Remain[] {
  const known = new Set(sandboxes.map(({ id }) => id));
  return containers
    .filter(
      ({ sandboxId, running, since }) => !running && !known.has(sandboxId) && since < olderThan,
    )
    .map(({ id, name, sandboxId, since }) => ({
      id,
      what: `${name} (${shortId(id, false)})`,
      why: `its sandbox ${shortId(sandboxId, false)} is gone`,
      since,
    }));
}

/** A result of CNI plugins in a cache. */
export interface CachedResult {
  readonly file: string;
  readonly containerId: string;
  readonly network: string;
  /** Whether it is in the daemon's own cache; others are another runtime's. */
  readonly own: boolean;
  /** False while plugins work on it. */
  readonly complete: boolean;
  /** Names of interfaces on the node; undefined in results before CNI 0.3.0, which have none. */
  readonly interfaces: readonly string[] | undefined;
  readonly since: number;
}

/** Networks of the daemon's own cache whose sandbox is gone. */
export function orphanedNetworks(
  results: readonly CachedResult[],
  known: ReadonlySet<string>,
  olderThan: number,
): Remain[] {
  return results
    .filter(({ own, containerId, since }) => own && !known.has(containerId) && since < olderThan)
    .map(({ file, containerId, network, since, interfaces }) => ({
      id: file,
      what: [`${network} of ${shortId(containerId, false)}`, ...(interfaces ?? [])].join(", "),
      why: "its sandbox is gone",
      since,
    }));
}

/** What addresses and interfaces are judged by. */
export interface NetworkUse {
  /** Ids of all that the runtime has. */
  readonly known: ReadonlySet<string>;
  /** Results of all caches on the node, other runtimes' included. */
  readonly results: readonly CachedResult[];
  /** Names of the networks that are configured for the daemon. */
  readonly networks: ReadonlySet<string>;
  /** Bridges of those networks. */
  readonly bridges: ReadonlySet<string>;
}

/**
 * Addresses of the daemon's networks that were given to a sandbox which is gone, and which no result tells of.
 *
 * @param live Addresses that some network namespace has, of whoever's: a daemon with another engine may use the same
 *   networks, and a cache of its own.
 */
export function orphanedAddresses(
  leases: readonly AddressLease[],
  { known, results, networks }: NetworkUse,
  live: ReadonlySet<string>,
  olderThan: number,
): Remain[] {
  const told = new Set(results.map(({ containerId }) => containerId));
  return leases
    .filter(({ id, network, address, since }) => {
      const isOurs = networks.has(network);
      return isOurs && !known.has(id) && !told.has(id) && !live.has(address) && since < olderThan;
    })
    .map(({ file, address, network, id, since }) => ({
      id: file,
      what: `${address} of ${network}`,
      why: `it was given to ${shortId(id, false)}, which is gone`,
      since,
    }));
}

/** An interface that is plugged into a bridge. */
export interface PluggedInterface {
  readonly name: string;
  readonly bridge: string;
  readonly since: number;
  /** Whether some process is where its other end is. */
  readonly isUsed: boolean;
}

/**
 * Interfaces on a bridge of the daemon's networks that no result tells of, and whose other end no process has. While
 * plugins work on some attachment there are none: its interface is in no result yet.
 */
export function orphanedInterfaces(
  interfaces: readonly PluggedInterface[],
  { results, bridges }: NetworkUse,
  olderThan: number,
): Remain[] {
  if (results.some(({ complete }) => !complete)) return [];
  const told = new Set(results.flatMap((each) => each.interfaces ?? []));
  return interfaces
    .filter(({ name, bridge, since, isUsed }) => {
      return bridges.has(bridge) && !told.has(name) && !isUsed && since < olderThan;
    })
    .map(({ name, bridge, since }) => ({
      id: name,
      what: `${name} on ${bridge}`,
      why: "no process has its other end",
      since,
    }));
}

/** A file that the daemon keeps of a container. */
export interface RecordFile {
  readonly file: string;
  readonly containerId: string;
  /** For people, such as `log position`. */
  readonly kind: string;
  readonly since: number;
  readonly size: number;
}

/** What the daemon keeps of containers that the engine does not have. */
export function orphanedRecords(
  files: readonly RecordFile[],
  known: ReadonlySet<string>,
  olderThan: number,
): Remain[] {
  return files
    .filter(({ containerId, since }) => !known.has(containerId) && since < olderThan)
    .map(({ file, kind, containerId, since, size }) => ({
      id: file,
      what: `${kind} of ${shortId(containerId, false)}`,
      why: "the container is gone",
      since,
      size,
    }));
}

/** A pod's folder of logs, as the kubelet names it. */
export interface LogFolder {
  readonly path: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of the newest file in it. */
  readonly since: number;
}

/**
 * Folders of logs whose pod neither the runtime nor the kubelet has. The kubelet removes them itself; some are left where
 * it was not there to see the pod go.
 */
export function orphanedLogs(
  folders: readonly LogFolder[],
  podUids: ReadonlySet<string>,
  kubeletPods: KubeletPods,
  olderThan: number,
): Remain[] {
  return folders
    .filter(({ uid, since }) => {
      return !podUids.has(uid) && kubeletPods?.has(uid) !== true && since < olderThan;
    })
    .map(({ path, namespace, name, since }) => ({
      id: path,
      what: `${namespace}/${name}`,
      why: "neither runtime nor kubelet has the pod",
      since,
    }));
}

/** A mount that belongs to one of the engine's containers by its path. */
export interface ContainerMount {
  readonly path: string;
  readonly containerId: string;
}

/** Mounts of containers that the engine does not have. */
export function orphanedMounts(
  mounts: readonly ContainerMount[],
  known: ReadonlySet<string>,
): Remain[] {
  return mounts
    .filter(({ containerId }) => !known.has(containerId))
    .map(({ path, containerId }) => ({
      id: path,
      what: path,
      why: `the engine has no container ${shortId(containerId, false)}`,
      since: undefined,
    }));
}
