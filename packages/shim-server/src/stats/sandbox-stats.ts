import type {
  ContainerStats,
  LinuxPodSandboxStats,
  ListPodSandboxStatsRequest,
  PodSandboxAttributes,
  PodSandboxStats,
  PodSandboxStatsFilter,
  PodSandboxStatsRequest,
} from "@dockershim/cri-types";
import { matchesLabels } from "@dockershim/pod-sandbox";
import { inTurns } from "../async/in-turns.js";
import { ShimError } from "../shim-error.js";
import type { SandboxRecord } from "../state/records.js";
import { requireSandbox } from "../state/sandbox-lookup.js";
import { createStoragePath } from "../state/storage-path.js";
import { type ContainerStatsParts, figuresOf, toContainerStats } from "./container-stats.js";
import { toCpuUsage, toIoUsage, toMemoryUsage, toNetworkUsage, uint64 } from "./cri-figures.js";
import { readPod } from "./pod-figures.js";
import type { KubeletFigures } from "./stats-source.js";

/** A few ms of reading: then others get their turn. */
const podsPerTurn = 25;

/** PodSandboxStats. */
export function createSandboxStats(
  parts: ContainerStatsParts,
): (request: PodSandboxStatsRequest) => Promise<{ stats: PodSandboxStats }> {
  const collect = createSandboxStatsCollector(parts);
  return async ({ podSandboxId }) => {
    const record = requireSandbox(parts.store, podSandboxId);
    const stats = collect(record);
    if (stats === undefined) {
      throw new ShimError(
        "failed_precondition",
        `pod_sandbox_id: sandbox ${podSandboxId} does not run and has no figures`,
      );
    }
    return { stats };
  };
}

/** ListPodSandboxStats: of the sandboxes that run; one that ends meanwhile is left out. */
export function createSandboxStatsList(
  parts: ContainerStatsParts,
): (request: Pick<ListPodSandboxStatsRequest, "filter">) => Promise<{ stats: PodSandboxStats[] }> {
  const collect = createSandboxStatsCollector(parts);
  return async ({ filter }) => {
    const found: PodSandboxStats[] = [];
    await inTurns([...parts.store.sandboxes()], podsPerTurn, (record) => {
      if (filter !== undefined && !matchesFilter(record, filter)) return;
      const stats = collect(record);
      if (stats !== undefined) found.push(stats);
    });
    return { stats: found };
  };
}

function matchesFilter({ id, item }: SandboxRecord, filter: PodSandboxStatsFilter): boolean {
  return id.startsWith(filter.id) && matchesLabels(item.labels, filter.labelSelector);
}

/** @returns A function that gives undefined for a sandbox that does not run. */
function createSandboxStatsCollector(
  parts: ContainerStatsParts,
): (record: SandboxRecord) => PodSandboxStats | undefined {
  const { store, stats: source } = parts;
  const storagePath = createStoragePath(parts.engine);
  return (record) => {
    const mountpoint = storagePath();
    const containers: ContainerStats[] = [];
    // Each container is read once, for itself and for the pod's sum.
    const members: KubeletFigures[] = [];
    for (const member of store.containersOf(record.id)) {
      const figures = figuresOf(member, source);
      if (figures === undefined || figures === null) continue;
      members.push(figures);
      containers.push(toContainerStats(member, figures, source.layer(member.id), mountpoint));
    }
    const linux = podStats(record, members, source, containers);
    if (linux === undefined) return undefined;
    return {
      $typeName: "runtime.v1.PodSandboxStats",
      attributes: attributesOf(record),
      linux,
    };
  };
}

function podStats(
  record: SandboxRecord,
  members: readonly KubeletFigures[],
  source: ContainerStatsParts["stats"],
  containers: ContainerStats[],
): LinuxPodSandboxStats | undefined {
  const figures = readPod(record, members, source);
  if (figures === undefined) return undefined;
  const { timestampNs, cpu, memory, pids, pressure } = figures;
  const stats: LinuxPodSandboxStats = {
    $typeName: "runtime.v1.LinuxPodSandboxStats",
    containers,
  };
  if (cpu !== undefined) stats.cpu = toCpuUsage(cpu, figures.nanoCores, pressure?.cpu);
  if (memory !== undefined) stats.memory = toMemoryUsage(timestampNs, memory, pressure?.memory);
  if (pressure?.io !== undefined) stats.io = toIoUsage(timestampNs, pressure.io);
  if (pids !== undefined) {
    stats.process = {
      $typeName: "runtime.v1.ProcessUsage",
      timestamp: timestampNs,
      processCount: uint64(pids.current),
    };
  }
  // The node's own network is no pod's.
  if (record.inspect.HostConfig.NetworkMode !== "host") {
    const network = source.reader().readNetwork(record.inspect.State.Pid, podInterface);
    const usage = network === undefined ? undefined : toNetworkUsage(network);
    if (usage !== undefined) stats.network = usage;
  }
  return stats;
}

const podInterface = { defaultInterface: "eth0" };

function attributesOf({ id, item }: SandboxRecord): PodSandboxAttributes {
  const attributes: PodSandboxAttributes = {
    $typeName: "runtime.v1.PodSandboxAttributes",
    id,
    labels: item.labels,
    annotations: item.annotations,
  };
  if (item.metadata !== undefined) attributes.metadata = item.metadata;
  return attributes;
}
