import fs from "node:fs/promises";
import { CgroupError, isAbsent } from "./errors.js";
import { createLayerTree, type LayerTree } from "./layer-tree.js";
import { createPacer } from "./pacer.js";

/** Disk use of a container's writable layer: CRI `ContainerStats.writable_layer`. */
export interface LayerUsage {
  /** When the last refresh ended, nanoseconds since the epoch. */
  readonly timestampNs: bigint;
  /** Allocated bytes, as du(1) counts: CRI `FilesystemUsage.used_bytes`. */
  readonly usedBytes: bigint;
  /** Files, directories and all else, hard links once: CRI `FilesystemUsage.inodes_used`. */
  readonly inodesUsed: bigint;
  /** false while the first look has not come through: the figures are then lower bounds. */
  readonly complete: boolean;
  /** Whether the last refresh looked at every entry. */
  readonly exact: boolean;
  /** All changes before this time are in the figures, nanoseconds since the epoch; 0 = not yet. */
  readonly seenSinceNs: bigint;
}

/** Bounds of the work. */
export interface LayerUsageOptions {
  /**
   * Pause between two refreshes of a layer, milliseconds; up to a twelfth more, so that layers are due together.
   *
   * @defaultValue 15000
   */
  readonly intervalMs?: number;
  /**
   * Entries that one refresh of one layer looks at, give or take one directory. Layers of at most
   * so many entries, which is nearly all of them, have exact figures after every refresh.
   *
   * @defaultValue 1000
   */
  readonly budget?: number;
  /**
   * File system calls per second, for all layers together.
   *
   * @defaultValue 2000
   */
  readonly callsPerSecond?: number;
  /**
   * File system calls under way at once, of the four that Node.js's thread pool has by default
   * for the whole process.
   *
   * @defaultValue 2
   */
  readonly concurrency?: number;
  /**
   * A count that goes on whenever the layer's container runs, such as the processor time it has used;
   * undefined when it is not known. Of a layer of at most `budget` entries whose container stands
   * still, each look but the first and every fifth is left out: a file system may take a while to
   * allocate what was written, and an engine may write into a layer itself, of which
   * {@link LayerUsageTracker.written} can be told.
   *
   * @defaultValue never known
   */
  readonly activity?: (id: string) => bigint | undefined;
  /** Called when a layer cannot be read. Its last figures stay, and the next refresh tries again. */
  readonly onError?: (id: string, error: CgroupError) => void;
  /** Milliseconds since the epoch. @defaultValue Date.now */
  readonly nowMs?: () => number;
}

/** Keeps the disk use of writable layers up to date in the background. */
export interface LayerUsageTracker {
  /**
   * Begins to follow a layer; does nothing when it is followed already.
   *
   * @param id - The container.
   * @param directory - Its upper directory, `GraphDriver.Data.UpperDir` of the engine's inspect, or
   *   `upperdir` of the overlay at `/` in the container's mountinfo.
   */
  watch(id: string, directory: string): void;
  /**
   * Has a layer be looked at in its next two intervals although its container stands still: something
   * else has written into it.
   */
  written(id: string): void;
  /** Ends following a layer. */
  forget(id: string): void;
  /** The figures as of the last refresh, at once; undefined before the first and when it is gone. */
  usage(id: string): LayerUsage | undefined;
  /**
   * Refreshes one layer now, or waits for the refresh that is under way.
   *
   * @returns undefined when it is not followed or not there.
   * @throws CgroupError `read_failed`.
   */
  refresh(id: string): Promise<LayerUsage | undefined>;
  /** Starts the background refreshes. Until then only `refresh` looks at anything. */
  start(): void;
  /** Ends all work; resolves when none is under way. */
  close(): Promise<void>;
}

interface Layer {
  readonly directory: string;
  readonly abort: AbortController;
  tree: LayerTree | undefined;
  usage: LayerUsage | undefined;
  pending: Promise<LayerUsage | undefined> | undefined;
  timer: NodeJS.Timeout | undefined;
  /** What its container's activity was when it was last looked at in the background. */
  activity: bigint | undefined;
  /** How many times in a row the container's activity has been that. */
  still: number;
}

/** Layers are due together, so many times in an interval: to wake up for each costs more than to see that it stands still. */
const roundsOfInterval = 12;

/** After so many intervals a layer is looked at although its container stands still. */
const intervalsStill = 5;

/**
 * Makes a tracker. The kernel has no counter of a directory's disk use, and walking every layer
 * every time is what makes engines slow, so the work is bounded and the error is known:
 *
 * - A layer of at most `budget` entries is looked at wholly in each refresh.
 * - In a larger one, entries that came or went are noticed within one round of time stamp checks
 *   (directories ÷ (budget ÷ 4) refreshes); growth of files written in the last ten minutes
 *   within one refresh, for up to budget ÷ 4 such files; all else within one sweep, which takes
 *   about entries ÷ (budget ÷ 2) refreshes. `seenSinceNs` tells how far back that was.
 * - While the rate limit holds refreshes up, figures are older, which `timestampNs` tells.
 */
export function createLayerUsageTracker(options: LayerUsageOptions = {}): LayerUsageTracker {
  const {
    intervalMs = 15_000,
    budget = 1_000,
    callsPerSecond = 2_000,
    concurrency = 2,
    activity = () => undefined,
    onError = () => {},
    nowMs = Date.now,
  } = options;
  const pacer = createPacer(callsPerSecond, concurrency);
  const layers = new Map<string, Layer>();
  /** Refreshes under way, of forgotten layers too, for `close` to wait for. */
  const underWay = new Set<Promise<unknown>>();
  let started = false;

  async function look(layer: Layer): Promise<LayerUsage | undefined> {
    const { signal } = layer.abort;
    const tree = layer.tree ?? (await openTree(layer));
    if (tree === undefined || !(await tree.refresh(signal))) {
      if (!signal.aborted) layer.usage = undefined;
      return layer.usage;
    }
    layer.tree = tree;
    if (signal.aborted) return layer.usage;
    const { bytes, inodes, complete, exact, seenSinceMs } = tree.totals();
    layer.usage = {
      timestampNs: toNs(nowMs()),
      usedBytes: BigInt(bytes),
      inodesUsed: BigInt(inodes),
      complete,
      exact,
      seenSinceNs: toNs(seenSinceMs),
    };
    return layer.usage;
  }

  async function openTree(layer: Layer): Promise<LayerTree | undefined> {
    try {
      // The engine's root may be behind a symbolic link; below it none is followed.
      const root = await fs.realpath(layer.directory, "latin1");
      return createLayerTree(root, { pacer, budget, nowMs });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  function refreshLayer(layer: Layer): Promise<LayerUsage | undefined> {
    if (layer.pending !== undefined) return layer.pending;
    const pending = look(layer)
      .catch((error: unknown) => {
        throw new CgroupError("read_failed", `cannot read the layer ${layer.directory}`, {
          cause: error,
        });
      })
      .finally(() => {
        layer.pending = undefined;
        underWay.delete(pending);
      });
    layer.pending = pending;
    underWay.add(pending);
    return pending;
  }

  function schedule(id: string, layer: Layer, delayMs: number): void {
    if (layer.abort.signal.aborted || layer.timer !== undefined) return;
    const round = intervalMs / roundsOfInterval;
    const now = performance.now();
    const due = delayMs === 0 ? now : Math.ceil((now + delayMs) / round) * round;
    layer.timer = setTimeout(() => void refreshAndReschedule(id, layer), due - now);
    layer.timer.unref();
  }

  async function refreshAndReschedule(id: string, layer: Layer): Promise<void> {
    layer.timer = undefined;
    let delayMs = intervalMs;
    if (standsStill(id, layer)) {
      schedule(id, layer, delayMs);
      return;
    }
    try {
      const usage = await refreshLayer(layer);
      // The first look goes on at once, as fast as the rate limit lets it.
      if (usage?.complete === false) delayMs = 0;
    } catch (error) {
      if (error instanceof CgroupError && !layer.abort.signal.aborted) onError(id, error);
    }
    schedule(id, layer, delayMs);
  }

  /** @returns Whether its container has not run since long before the last look. */
  function standsStill(id: string, layer: Layer): boolean {
    const now = activity(id);
    // Of a large layer a look sees a part only, and it may be the next one's that has changed.
    const same = now !== undefined && now === layer.activity && layer.usage?.exact === true;
    layer.activity = now;
    layer.still = same ? layer.still + 1 : 0;
    return layer.still > 1 && layer.still % intervalsStill !== 0;
  }

  function stop(layer: Layer): void {
    layer.abort.abort();
    clearTimeout(layer.timer);
  }

  return {
    watch(id, directory) {
      if (layers.has(id)) return;
      const layer: Layer = {
        directory,
        abort: new AbortController(),
        tree: undefined,
        usage: undefined,
        pending: undefined,
        timer: undefined,
        activity: undefined,
        still: 0,
      };
      layers.set(id, layer);
      if (started) schedule(id, layer, 0);
    },
    written(id) {
      const layer = layers.get(id);
      if (layer !== undefined) layer.activity = undefined;
    },
    forget(id) {
      const layer = layers.get(id);
      if (layer === undefined) return;
      layers.delete(id);
      stop(layer);
    },
    usage: (id) => layers.get(id)?.usage,
    async refresh(id) {
      const layer = layers.get(id);
      return layer === undefined ? undefined : refreshLayer(layer);
    },
    start() {
      if (started) return;
      started = true;
      for (const [id, layer] of layers) schedule(id, layer, 0);
    },
    async close() {
      started = false;
      for (const layer of layers.values()) stop(layer);
      layers.clear();
      await Promise.allSettled([...underWay]);
    },
  };
}

function toNs(milliseconds: number): bigint {
  return BigInt(Math.trunc(milliseconds)) * 1_000_000n;
}
