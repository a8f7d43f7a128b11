import type { LayerUsage } from "@dockershim/cgroups";
import type {
  ContainerAttributes,
  ContainerStats,
  ContainerStatsFilter,
  ContainerStatsRequest,
  FilesystemUsage,
  ListContainerStatsRequest,
} from "@dockershim/cri-types";
import { matchesLabels } from "@dockershim/pod-sandbox";
import { inTurns } from "../async/in-turns.js";
import { requireContainer } from "../state/container-lookup.js";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord } from "../state/records.js";
import { createStoragePath } from "../state/storage-path.js";
import type { Store } from "../state/store.js";
import { toCpuUsage, toIoUsage, toMemoryUsage, toSwapUsage, uint64 } from "./cri-figures.js";
import type { KubeletFigures, StatsSource } from "./stats-source.js";

export interface ContainerStatsParts {
  readonly store: Pick<
    Store,
    "container" | "containers" | "containersOf" | "sandbox" | "sandboxes"
  >;
  readonly stats: StatsSource;
  readonly engine: Pick<Engine, "known">;
}

/** A few ms of reading: then others get their turn. */
const containersPerTurn = 50;

/** ContainerStats: a container that has ended has a writable layer, but no cpu and no memory. */
export function createContainerStats(
  parts: ContainerStatsParts,
): (request: ContainerStatsRequest) => Promise<{ stats: ContainerStats }> {
  const { store, stats: source } = parts;
  const storagePath = createStoragePath(parts.engine);
  return async ({ containerId }) => {
    const record = requireContainer(store, containerId);
    const layer = await source.layerNow(record);
    const figures = figuresOf(record, source) ?? undefined;
    return { stats: toContainerStats(record, figures, layer, storagePath()) };
  };
}

/**
 * ListContainerStats. A container that ends while it is read is left out: its figures would be half
 * there, and its next state is on its way.
 */
export function createContainerStatsList(
  parts: ContainerStatsParts,
): (request: Pick<ListContainerStatsRequest, "filter">) => Promise<{ stats: ContainerStats[] }> {
  const { store, stats: source } = parts;
  const storagePath = createStoragePath(parts.engine);
  return async ({ filter }) => {
    const mountpoint = storagePath();
    const found: ContainerStats[] = [];
    await inTurns(matchingContainers(store, filter), containersPerTurn, (record) => {
      const figures = figuresOf(record, source);
      if (figures === null) return;
      found.push(toContainerStats(record, figures, source.layer(record.id), mountpoint));
    });
    return { stats: found };
  };
}

export function* matchingContainers(
  store: Pick<Store, "containers">,
  filter: ContainerStatsFilter | undefined,
): Generator<ContainerRecord> {
  for (const record of store.containers()) {
    if (filter !== undefined && !matchesFilter(record, filter)) continue;
    yield record;
  }
}

/** Ids may be given by a prefix, as in all of the daemon's lists. */
function matchesFilter(record: ContainerRecord, filter: ContainerStatsFilter): boolean {
  return (
    record.id.startsWith(filter.id) &&
    record.sandboxId.startsWith(filter.podSandboxId) &&
    matchesLabels(record.item.labels, filter.labelSelector)
  );
}

/** @returns undefined for a container that does not run, null for one that has just ended. */
export function figuresOf(
  record: ContainerRecord,
  source: StatsSource,
): KubeletFigures | null | undefined {
  if (!record.inspect.State.Running) return undefined;
  const path = source.cgroupOf(record);
  if (path === undefined) return null;
  return source.read(record.id, path) ?? null;
}

/** CRI's figures of a container, from those that were read. */
export function toContainerStats(
  record: ContainerRecord,
  figures: KubeletFigures | undefined,
  layer: LayerUsage | undefined,
  mountpoint: string,
): ContainerStats {
  const stats = figuresAlone(figures, layer, mountpoint);
  stats.attributes = attributesOf(record);
  return stats;
}

/** What differs from one time to the next: all but the attributes. */
export function figuresAlone(
  figures: KubeletFigures | undefined,
  layer: LayerUsage | undefined,
  mountpoint: string,
): ContainerStats {
  const stats: ContainerStats = { $typeName: "runtime.v1.ContainerStats" };
  if (layer !== undefined) stats.writableLayer = toFilesystemUsage(layer, mountpoint);
  if (figures === undefined) return stats;
  const { timestampNs, cpu, memory, swap, pressure } = figures;
  if (cpu !== undefined) stats.cpu = toCpuUsage(cpu, figures.nanoCores, pressure?.cpu);
  if (memory !== undefined) stats.memory = toMemoryUsage(timestampNs, memory, pressure?.memory);
  if (swap !== undefined) stats.swap = toSwapUsage(timestampNs, swap);
  if (pressure?.io !== undefined) stats.io = toIoUsage(timestampNs, pressure.io);
  return stats;
}

export function attributesOf({ id, item }: ContainerRecord): ContainerAttributes {
  const attributes: ContainerAttributes = {
    $typeName: "runtime.v1.ContainerAttributes",
    id,
    labels: item.labels,
    annotations: item.annotations,
  };
  if (item.metadata !== undefined) attributes.metadata = item.metadata;
  return attributes;
}

function toFilesystemUsage(layer: LayerUsage, mountpoint: string): FilesystemUsage {
  return {
    $typeName: "runtime.v1.FilesystemUsage",
    timestamp: layer.timestampNs,
    fsId: { $typeName: "runtime.v1.FilesystemIdentifier", mountpoint },
    usedBytes: uint64(layer.usedBytes),
    inodesUsed: uint64(layer.inodesUsed),
  };
}
