import {
  allocatedBytes,
  type BytePath,
  type DirectoryScan,
  type DirectoryStamp,
  lstatAt,
  scanDirectory,
  stampOf,
} from "./directory-scan.js";
import type { Pacer } from "./pacer.js";
import { createUsageTally, type TallyShare } from "./usage-tally.js";

/** What is known of a tree without looking at it again. */
export interface TreeTotals {
  readonly bytes: number;
  readonly inodes: number;
  /** Whether every directory has been looked at at least once. */
  readonly complete: boolean;
  /** Whether the last refresh looked at every entry. */
  readonly exact: boolean;
  /** Milliseconds since the epoch: changes before then are in the figures; 0 = not yet. */
  readonly seenSinceMs: number;
}

/** The known contents of one directory tree, refreshed a bounded piece at a time. */
export interface LayerTree {
  /**
   * Looks at some of the tree, within the budget. Not to be called while a refresh is under way.
   *
   * @returns false when the root is not there.
   */
  refresh(signal: AbortSignal): Promise<boolean>;
  totals(): TreeTotals;
}

/** Bounds of one refresh. */
export interface LayerTreeOptions {
  readonly pacer: Pacer;
  /** Entries that one refresh looks at, give or take one directory. */
  readonly budget: number;
  readonly nowMs: () => number;
}

interface Directory {
  readonly scan: DirectoryScan;
  /** What it adds to the sum now: the scan, corrected as its recent files grow. */
  share: TallyShare;
  /** Sizes that the share has of files that may be growing. */
  readonly recent: Map<string, number>;
  /** Changed so shortly before the scan that a later change may have the same time stamp. */
  readonly racy: boolean;
}

/** A file that was written within this time is looked at in every refresh. */
const recentWindowMs = 10 * 60_000;
/** Coarser than any file system's time stamps. */
const racyWindowMs = 2_000;

/**
 * Makes the tree of one layer. A refresh of a tree with no more entries than the budget looks at
 * everything. In a larger one it goes, in turn and until the budget is used, through: directories
 * whose time stamp tells that entries came or went, files that were written lately, and a sweep
 * that comes round to every directory.
 *
 * @param root - Absolute and without symbolic links.
 */
export function createLayerTree(
  root: BytePath,
  { pacer, budget, nowMs }: LayerTreeOptions,
): LayerTree {
  const quarter = Math.ceil(budget / 4);
  const directories = new Map<BytePath, Directory>();
  const tally = createUsageTally();
  /** Directories to look at, before all others. */
  const queue = new Set<BytePath>([root]);
  let device: bigint | undefined;
  let entries = 0;
  let firstPass: { readonly startedMs: number; refreshes: number } | undefined;
  /** The sweep under way: the directories that it has still to come to, and when it began. */
  let sweep: { readonly left: BytePath[]; readonly startedMs: number } | undefined;
  /** Directories whose time stamps are still to be checked in this round. */
  let checks: BytePath[] = [];
  let left = 0;
  let complete = false;
  let exact = false;
  let seenSinceMs = 0;

  function put(path: BytePath, directory: Directory): void {
    directories.set(path, directory);
    tally.add(directory.share);
    entries += directory.scan.entries + 1;
  }

  function drop(path: BytePath): Directory | undefined {
    const directory = directories.get(path);
    if (directory === undefined) return undefined;
    directories.delete(path);
    tally.subtract(directory.share);
    entries -= directory.scan.entries + 1;
    return directory;
  }

  function dropTree(path: BytePath): void {
    queue.delete(path);
    const directory = drop(path);
    for (const name of directory?.scan.subdirectories ?? []) dropTree(`${path}/${name}`);
  }

  async function look(path: BytePath, signal: AbortSignal): Promise<void> {
    queue.delete(path);
    const startedMs = nowMs();
    const scan = await scanDirectory(path, device, {
      pacer,
      recentSinceMs: startedMs - recentWindowMs,
      maxRecent: quarter,
      signal,
    });
    if (signal.aborted) return;
    left -= 1 + (scan?.entries ?? 0);
    if (scan === undefined) {
      dropTree(path);
      return;
    }
    device ??= scan.stamp.device;
    const before = drop(path);
    const names = new Set(scan.subdirectories);
    for (const name of before?.scan.subdirectories ?? []) {
      if (!names.has(name)) dropTree(`${path}/${name}`);
    }
    put(path, {
      scan,
      share: scan,
      recent: new Map(scan.recent),
      racy: Number(scan.stamp.mtimeNs / 1_000_000n) > startedMs - racyWindowMs,
    });
    for (const name of names) {
      if (!directories.has(`${path}/${name}`)) queue.add(`${path}/${name}`);
    }
  }

  /**
   * At least one directory, even if the budget was used before: the queue always gets shorter.
   * A set may grow while it is gone through, so those found on the way are looked at too.
   */
  async function lookAtQueue(signal: AbortSignal): Promise<void> {
    for (const path of queue) {
      if (signal.aborted) return;
      await look(path, signal);
      if (left <= 0) return;
    }
  }

  async function lookAtFirst(signal: AbortSignal): Promise<void> {
    firstPass ??= { startedMs: nowMs(), refreshes: 0 };
    firstPass.refreshes++;
    await lookAtQueue(signal);
    complete = queue.size === 0 && !signal.aborted;
    if (!complete) return;
    exact = firstPass.refreshes === 1;
    seenSinceMs = firstPass.startedMs;
  }

  async function lookAtAll(signal: AbortSignal): Promise<void> {
    const startedMs = nowMs();
    for (const path of [...directories.keys()]) {
      if (signal.aborted) return;
      if (directories.has(path)) await look(path, signal);
    }
    await lookAtQueue(signal);
    exact = queue.size === 0 && !signal.aborted;
    if (exact) seenSinceMs = startedMs;
  }

  /** Looks for changed lists of entries; a round may take several refreshes. */
  async function checkDirectories(signal: AbortSignal): Promise<void> {
    if (checks.length === 0) checks = [...directories.keys()];
    for (let i = 0; i < quarter && !signal.aborted; i++) {
      const path = checks.pop();
      if (path === undefined) return;
      const directory = directories.get(path);
      if (directory === undefined || queue.has(path)) continue;
      left--;
      const stats = await lstatAt(path, pacer);
      if (stats === undefined || directory.racy || !same(stampOf(stats), directory.scan.stamp)) {
        queue.add(path);
      }
    }
  }

  /** Growth of a file leaves no trace in its directory, so files lately written are asked. */
  async function checkRecentFiles(signal: AbortSignal): Promise<void> {
    let checked = 0;
    for (const [path, directory] of directories) {
      for (const [name, known] of directory.recent) {
        if (checked++ >= quarter || signal.aborted) return;
        left--;
        const stats = await lstatAt(`${path}/${name}`, pacer);
        if (stats === undefined || !stats.isFile() || stats.nlink > 1n) {
          queue.add(path);
          break;
        }
        const change = allocatedBytes(stats) - known;
        if (change !== 0) {
          const { links, inodes, bytes } = directory.share;
          tally.subtract(directory.share);
          directory.share = { links, inodes, bytes: bytes + change };
          tally.add(directory.share);
        }
        directory.recent.set(name, known + change);
        // A file that fell quiet is left to the sweep, or the list would fill up.
        if (Number(stats.mtimeMs) < nowMs() - recentWindowMs) directory.recent.delete(name);
      }
    }
  }

  /** At least one directory in every refresh, whatever else there was to do. */
  async function advanceSweep(signal: AbortSignal): Promise<void> {
    sweep ??= { left: [...directories.keys()], startedMs: nowMs() };
    do {
      const path = sweep.left.pop();
      if (path === undefined) {
        // Directories found on the way may hold entries older than the sweep.
        if ([...queue].every((waiting) => directories.has(waiting))) seenSinceMs = sweep.startedMs;
        sweep = undefined;
        return;
      }
      if (directories.has(path)) await look(path, signal);
    } while (left > 0 && !signal.aborted);
  }

  function startAnew(): void {
    queue.clear();
    queue.add(root);
    device = undefined;
    firstPass = undefined;
    sweep = undefined;
    checks = [];
    complete = false;
    exact = false;
    seenSinceMs = 0;
  }

  return {
    async refresh(signal) {
      left = budget;
      exact = false;
      if (!complete) {
        await lookAtFirst(signal);
      } else if (entries <= budget) {
        await lookAtAll(signal);
      } else {
        await checkDirectories(signal);
        await checkRecentFiles(signal);
        await lookAtQueue(signal);
        if (!signal.aborted) await advanceSweep(signal);
      }
      const found = directories.has(root) || signal.aborted;
      if (!found) startAnew();
      return found;
    },
    totals: () => ({
      bytes: tally.bytes(),
      inodes: tally.inodes(),
      complete,
      exact,
      seenSinceMs,
    }),
  };
}

function same(a: DirectoryStamp, b: DirectoryStamp): boolean {
  return (
    a.mtimeNs === b.mtimeNs &&
    a.ctimeNs === b.ctimeNs &&
    a.inode === b.inode &&
    a.device === b.device
  );
}
