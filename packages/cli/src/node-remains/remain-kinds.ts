import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createCni } from "@dockershim/cni";
import { CliError } from "../cli-error.js";
import { readCheckpoints } from "../cri-dockerd/cri-dockerd-checkpoints.js";
import { findProcess } from "../machine/node-processes.js";
import { runProgram } from "../machine/run-program.js";
import { isSameSocket } from "../machine/socket-path.js";
import type { OpenNode } from "../node/open-node.js";
import { imageName } from "../objects/find-image.js";
import { readImageUse } from "../objects/image-use.js";
import {
  orphanedAddresses,
  orphanedContainers,
  orphanedInterfaces,
  orphanedLogs,
  orphanedMounts,
  orphanedNetworks,
  orphanedRecords,
  orphanedSandboxes,
} from "./judge-remains.js";
import { readLiveAddresses, shortestV6 } from "./live-addresses.js";
import { measureTree, readContainerMounts, readLogFolders, readRecords } from "./read-files.js";
import { readKubeletPods } from "./read-kubelet-pods.js";
import { readNetworkUse, readPlugged, readResults } from "./read-network-use.js";
import { readKnownIds, readRuntimeLists } from "./read-runtime-lists.js";
import type { NotLookedAt, Remain, RemainKindName } from "./remain.js";

/** How one kind of remains is found and removed. */
export interface RemainKind {
  readonly name: RemainKindName;
  /** Whether others than the daemon may have made or want it: it is removed only when its kind is named. */
  readonly shared: boolean;
  /**
   * Looks anew, each time it is asked.
   *
   * @param olderThan Milliseconds since the epoch; what has changed since then is kept.
   */
  find(node: OpenNode, olderThan: number): Promise<readonly Remain[] | NotLookedAt>;
  /** Bytes, where finding does not tell them; undefined where nobody does. */
  measure?(remain: Remain, node: OpenNode): Promise<number | undefined>;
  /** A command that removes it, where that is another program's. */
  readonly removedBy?: string;
  remove(node: OpenNode, remain: Remain): Promise<void>;
}

const nobodyServes = ({ runtime }: OpenNode): NotLookedAt => ({
  skipped: `nobody serves on ${runtime.endpoint}`,
});
const noEngine = ({ dockerProblem, runtime }: OpenNode): NotLookedAt => ({
  skipped: runtime.kind === "other" ? "for dockershim only" : dockerProblem,
});
const unreadable = (files: readonly string[]): NotLookedAt => ({
  skipped: `a result in a CNI cache cannot be read, and so not told whose it is: ${files.join(", ")}`,
});

/** Only a daemon that runs says for certain which engine is its own: by another one's, all would seem to be gone. */
const noDaemon = (node: OpenNode): NotLookedAt | undefined =>
  node.runtime.kind === "none" || node.runtime.kind === "cri-dockerd"
    ? { skipped: "the daemon does not run, and so does not tell which engine is its own" }
    : undefined;

/** All of them, in the order in which they are removed: what a sandbox has goes with it. */
export const allRemainKinds: readonly RemainKind[] = [
  {
    name: "sandboxes",
    shared: false,
    async find(node, olderThan) {
      if (node.client === undefined) return nobodyServes(node);
      const { sandboxes, containers } = await readRuntimeLists(node.client);
      return orphanedSandboxes(sandboxes, containers, await readKubeletPods(node), olderThan);
    },
    async remove({ client }, { id }) {
      await client?.runtime.stopPodSandbox({ podSandboxId: id });
      await client?.runtime.removePodSandbox({ podSandboxId: id });
    },
  },
  {
    name: "containers",
    shared: false,
    async find(node, olderThan) {
      if (node.client === undefined) return nobodyServes(node);
      const { sandboxes, containers } = await readRuntimeLists(node.client);
      return orphanedContainers(sandboxes, containers, olderThan);
    },
    /** Of its writable layer. */
    async measure({ id }, { docker }) {
      return (await docker?.containers.inspect(id, { size: true }))?.SizeRw;
    },
    async remove({ client }, { id }) {
      await client?.runtime.removeContainer({ containerId: id });
    },
  },
  {
    name: "networks",
    shared: false,
    async find(node, olderThan) {
      // In this order: a sandbox that has come since is among the known ones.
      const { results } = await readResults(node);
      const known = await readEngineIds(node);
      return "skipped" in known ? known : orphanedNetworks(results, known, olderThan);
    },
    /** By the plugins that made it, which give back addresses, rules for host ports and interfaces. */
    async remove({ options, root }, { id: file }) {
      const binDirs = options.cniBinDirs.map((dir) => join(root, dir));
      const cni = createCni({ binDirs, cacheDir: dirname(dirname(file)) });
      try {
        const found = (await cni.cachedAttachments()).filter((cached) => cached.file === file);
        for (const { containerId, ifName } of found) {
          await cni.del({ containerId, ifName, netns: "" });
        }
      } finally {
        cni.close();
      }
    },
  },
  {
    name: "addresses",
    shared: false,
    async find(node, olderThan) {
      // Leases first: one that is given after this has its sandbox in what is read later.
      const { leases } = await readNetworkUse(node, new Set(), []);
      const read = await readResults(node);
      if (read.unreadable.length > 0) return unreadable(read.unreadable);
      const known = noDaemon(node) ?? (await readKnownIds(node)) ?? noEngine(node);
      if ("skipped" in known) return known;
      const use = await readNetworkUse(node, known, read.results);
      const live = readLiveAddresses(join(node.root, "/proc"));
      const given = leases.map((lease) => ({ ...lease, address: shortestV6(lease.address) }));
      return orphanedAddresses(given, use, live, olderThan);
    },
    remove: (_, { id: file }) => rm(file, { force: true }),
  },
  {
    name: "interfaces",
    shared: false,
    async find(node, olderThan) {
      const plugged = await readPlugged(node);
      if (plugged === undefined) return { skipped: "ip and lsns do not tell of interfaces" };
      const read = await readResults(node);
      if (read.unreadable.length > 0) return unreadable(read.unreadable);
      const use = await readNetworkUse(node, new Set(), read.results);
      return orphanedInterfaces(plugged, use, olderThan);
    },
    remove: ({ path }, { id: name }) => runOrFail("ip", ["link", "delete", name], path),
  },
  {
    name: "records",
    shared: false,
    async find(node, olderThan) {
      const records = await readRecords(node);
      const known = await readEngineIds(node);
      return "skipped" in known ? known : orphanedRecords(records, known, olderThan);
    },
    remove: (_, { id: file }) => rm(file, { force: true }),
  },
  {
    name: "logs",
    shared: false,
    async find(node, olderThan) {
      const { client, runtime, kubelet } = node;
      if (client === undefined) return nobodyServes(node);
      const { settings } = kubelet;
      if ((await readKubeletPods(node)) === undefined || typeof settings !== "object") {
        return { skipped: "they are a kubelet's, and there is none on this node" };
      }
      if (settings.endpoint !== undefined && !isSameSocket(settings.endpoint, runtime.endpoint)) {
        return { skipped: `the kubelet's pods are at ${settings.endpoint}` };
      }
      // Folders first: whose pod has come meanwhile is among those that are read later.
      const folders = await readLogFolders(join(node.root, settings.podLogsDir));
      const { sandboxes } = await readRuntimeLists(client);
      const uids = new Set(sandboxes.map(({ uid }) => uid));
      return orphanedLogs(folders, uids, await readKubeletPods(node), olderThan);
    },
    measure: async ({ id: folder }) => (await measureTree(folder)).bytes,
    remove: (_, { id: folder }) => rm(folder, { recursive: true, force: true }),
  },
  {
    name: "checkpoints",
    shared: false,
    async find(node) {
      const { root } = node;
      if ((await findProcess(join(root, "/proc"), "cri-dockerd")) !== undefined) {
        return { skipped: "cri-dockerd runs, and they are its own" };
      }
      const folder = join(root, "/var/lib/cri-dockerd/sandbox");
      const { found } = await readCheckpoints(folder);
      const known = await readEngineIds(node);
      if ("skipped" in known) return known;
      return [...found]
        .filter(([id]) => !known.has(id))
        .map(([id, { namespace, name }]) => ({
          id: join(folder, id),
          what: `cri-dockerd's of ${namespace}/${name}`,
          why: "the sandbox is gone",
          since: undefined,
        }));
    },
    measure: async ({ id: file }) => (await measureTree(file)).bytes,
    remove: (_, { id: file }) => rm(file, { force: true }),
  },
  {
    name: "mounts",
    shared: true,
    async find(node) {
      if (node.docker === undefined) return noEngine(node);
      const { DockerRootDir: engineDir } = await node.docker.info();
      const mounts = await readContainerMounts(node.root, engineDir);
      const known = await readEngineIds(node);
      return "skipped" in known ? known : orphanedMounts(mounts, known);
    },
    remove: ({ path }, { id: mount }) => runOrFail("umount", [mount], path),
  },
  {
    name: "images",
    shared: true,
    async find(node) {
      const { client, docker } = node;
      if (client === undefined) return nobodyServes(node);
      const images = await readImageUse(client);
      // Docker's own containers, and other daemons', are in no list of CRI's.
      const used = new Set(
        ((await docker?.containers.list({ all: true })) ?? []).map(({ ImageID }) => ImageID),
      );
      return images
        .filter(({ image, isUsed }) => !isUsed && !used.has(image.id))
        .map(({ image }) => ({
          id: image.id,
          what: imageName(image),
          why: "no container is made of it",
          since: undefined,
          size: Number(image.size),
        }));
    },
    async remove({ client }, { id }) {
      await client?.image.removeImage({ image: { image: id } });
    },
  },
  {
    name: "build-cache",
    shared: true,
    removedBy: "docker builder prune",
    async find(node) {
      if (node.docker === undefined) return noEngine(node);
      const { BuildCache: cache } = await node.docker.diskUsage({ type: ["build-cache"] });
      const unused = (cache ?? []).filter(({ InUse }) => !InUse);
      if (unused.length === 0) return [];
      const size = unused.reduce((sum, { Size }) => sum + Size, 0);
      const why = "no build uses it";
      return [
        {
          id: "build-cache",
          what: `${unused.length} steps of builds`,
          why,
          since: undefined,
          size,
        },
      ];
    },
    remove: () => Promise.reject(new CliError("failure", "docker builder prune removes it")),
  },
];

/** Ids of all containers of the daemon's engine, whoever's they are. */
async function readEngineIds(node: OpenNode): Promise<ReadonlySet<string> | NotLookedAt> {
  const known =
    noDaemon(node) ?? (node.docker === undefined ? undefined : await readKnownIds(node));
  return known ?? noEngine(node);
}

async function runOrFail(program: string, args: readonly string[], path: string): Promise<void> {
  const { code, stderr } = await runProgram(program, args, { path, timeoutMs: 10_000 });
  if (code !== 0) throw new CliError("failure", `${program} ${args.join(" ")}: ${stderr}`);
}
