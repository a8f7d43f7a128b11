import {
  type CgroupPath,
  type CgroupReader,
  type CgroupReading,
  createCgroupReader,
  createLayerUsageTracker,
  kubeletParts,
  type LayerUsage,
  readUlimits,
} from "@dockershim/cgroups";
import type { Logger } from "pino";
import type { Engine } from "../state/engine.js";
import type { ContainerRecord, SandboxRecord, StoreRecord } from "../state/records.js";
import type { Store, StoreChange } from "../state/store.js";
import { createCpuRates } from "./cpu-rates.js";
import { writableLayerOf } from "./writable-layer.js";

/** What the source is made from. */
export interface StatsSourceParts {
  readonly store: Pick<Store, "sandboxes" | "containers" | "container" | "onChange">;
  readonly engine: Pick<Engine, "known">;
  readonly log: Pick<Logger, "debug">;
}

/** What is read for the kubelet, with the processor use that follows from the reading before. */
export interface KubeletFigures extends CgroupReading<(typeof kubeletParts)[number]> {
  /** Undefined when this is the first reading. */
  readonly nanoCores: bigint | undefined;
}

/** Where all figures of containers and pods come from: the kernel, never the engine. */
export interface StatsSource {
  /**
   * Made on first use.
   *
   * @throws CgroupError `not_available` where no cgroups are mounted.
   */
  reader(): CgroupReader;
  /** The cgroup of a running container, undefined when it has ended. */
  cgroupOf(record: StoreRecord): CgroupPath | undefined;
  /** The cgroup that the caller of RunPodSandbox made for the pod, undefined without one. */
  podCgroupOf(record: SandboxRecord): CgroupPath | undefined;
  /** Figures of a cgroup under the name that its processor use is remembered by. */
  read(name: string, path: CgroupPath): KubeletFigures | undefined;
  /** The writable layer as last seen in the background; undefined before that. */
  layer(id: string): LayerUsage | undefined;
  /** The writable layer, looked at now if it never was. */
  layerNow(record: ContainerRecord): Promise<LayerUsage | undefined>;
  /** To be told that the engine has written into a container's layer. */
  written(id: string): void;
  close(): Promise<void>;
}

/**
 * Nine files of each cgroup are read for the kubelet, and 22 of a container's for metrics, thrice as fast when they stay
 * open: this is what 250 pods have. An open one takes 4 kB of the kernel's memory.
 */
const mostOpenFiles = 12_000;

/** So many containers may be gone before the files of their cgroups are closed. */
const goneAtMost = 16;

/** The kubelet looks at disk use every ten seconds, but acts on it in minutes. */
const layerIntervalMs = 60_000;

/** The name of a pod's own cgroup for {@link StatsSource.read}; its pause container's is the id. */
export function podRateName(id: string): string {
  return `pod/${id}`;
}

/** Creates the source, and begins to follow the containers of the store. */
export function createStatsSource({ store, engine, log }: StatsSourceParts): StatsSource {
  const rates = createCpuRates();
  const paths = new Map<string, { pid: number; path: CgroupPath }>();
  const podPaths = new Map<string, CgroupPath>();
  const layers = createLayerUsageTracker({
    intervalMs: layerIntervalMs,
    activity: activityOf,
    onError: (id, err) => log.debug({ id, err }, "could not measure a writable layer"),
  });
  let opened: CgroupReader | undefined;
  let goneSinceClose = 0;

  /** The processor time that a container has used. */
  function activityOf(id: string): bigint | undefined {
    const record = store.container(id);
    if (record?.inspect.State.Running === false) return 0n;
    const path = record && cgroupOf(record);
    return path && reader().read(path, ["cpu"])?.cpu?.usageNs;
  }

  function reader(): CgroupReader {
    opened ??= createCgroupReader({ maxOpenFiles: affordableFiles() });
    return opened;
  }

  function cgroupOf({ id, inspect }: StoreRecord): CgroupPath | undefined {
    const { Pid: pid, Running: running } = inspect.State;
    if (!running || pid <= 0) return undefined;
    const known = paths.get(id);
    if (known?.pid === pid) return known.path;
    const path = reader().forPid(pid);
    if (path !== undefined) paths.set(id, { pid, path });
    return path;
  }

  function podCgroupOf({ id, inspect }: SandboxRecord): CgroupPath | undefined {
    const parent = inspect.HostConfig.CgroupParent;
    if (!parent) return undefined;
    let path = podPaths.get(id);
    if (path === undefined) {
      path = reader().forLocation({ driver: engine.known().facts.cgroupDriver, parent });
      podPaths.set(id, path);
    }
    return reader().exists(path) ? path : undefined;
  }

  function follow({ id, before, after }: StoreChange): void {
    if (after === undefined) {
      layers.forget(id);
      closeSome();
    } else if (before?.inspect.State.Pid === after.inspect.State.Pid) {
      return;
    }
    rates.forget(id);
    rates.forget(podRateName(id));
    paths.delete(id);
    podPaths.delete(id);
    if (after === undefined) return;
    try {
      begin(after);
    } catch (err) {
      log.debug({ id, err }, "could not begin to measure a container");
    }
  }

  /** Files of cgroups that are gone stay open until all are closed; reading opens them again. */
  function closeSome(): void {
    goneSinceClose++;
    if (goneSinceClose < goneAtMost) return;
    goneSinceClose = 0;
    opened?.close();
  }

  /** The first reading is taken when a container starts, so that the first call has a rate. */
  function begin(record: StoreRecord): void {
    if (record.kind === "container") {
      const directory = writableLayerOf(record);
      if (directory !== undefined) layers.watch(record.id, directory);
    }
    beginRate(record.id, cgroupOf(record));
    if (record.kind === "sandbox") beginRate(podRateName(record.id), podCgroupOf(record));
  }

  function beginRate(name: string, path: CgroupPath | undefined): void {
    const cpu = path === undefined ? undefined : reader().read(path, ["cpu"])?.cpu;
    if (cpu !== undefined) rates.begin(name, cpu);
  }

  for (const after of [...store.sandboxes(), ...store.containers()]) {
    follow({ id: after.id, before: undefined, after });
  }
  const unsubscribe = store.onChange(follow);
  layers.start();

  return {
    reader,
    cgroupOf,
    podCgroupOf,
    read(name, path) {
      const reading = reader().read(path, kubeletParts);
      if (reading === undefined) return undefined;
      const nanoCores = reading.cpu === undefined ? undefined : rates.rate(name, reading.cpu);
      return { ...reading, nanoCores };
    },
    layer: (id) => layers.usage(id),
    layerNow: async ({ id }) =>
      layers.usage(id) ?? (await layers.refresh(id).catch(() => undefined)),
    written: layers.written,
    async close() {
      unsubscribe();
      opened?.close();
      await layers.close();
    },
  };
}

/** A quarter of what this process may open, for everything else needs files too. */
function affordableFiles(): number {
  const limits = readUlimits("/proc", process.pid);
  const limit = limits?.find(({ name }) => name === "max_open_files")?.soft;
  return limit === undefined ? mostOpenFiles : Math.min(mostOpenFiles, Number(limit / 4n));
}
