import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  CgroupError,
  createLayerUsageTracker,
  type LayerUsage,
  type LayerUsageOptions,
  type LayerUsageTracker,
} from "../src/index.js";
import { temporaryDirectory } from "./recorded.js";

let directory: string;
let layer: string;
let tracker: LayerUsageTracker;

/** No rate limit, and only the refreshes that the test asks for. */
function follow(options: LayerUsageOptions = {}): void {
  tracker = createLayerUsageTracker({
    callsPerSecond: Number.POSITIVE_INFINITY,
    ...options,
  });
  tracker.watch("c", layer);
}

async function refresh(): Promise<LayerUsage> {
  const usage = await tracker.refresh("c");
  if (usage === undefined) throw new Error("the layer is not there");
  return usage;
}

/** Refreshes until a sweep that began after this call has come round. */
async function sweep(): Promise<LayerUsage> {
  const began = BigInt(Date.now()) * 1_000_000n;
  for (let i = 0; i < 100; i++) {
    const usage = await refresh();
    if (usage.seenSinceNs > began) return usage;
  }
  throw new Error("the sweep never came round");
}

/** What du(1) says: an independent count of allocated bytes and of inodes. */
function du(): { usedBytes: bigint; inodesUsed: bigint } {
  const count = (...options: string[]) =>
    BigInt(
      execFileSync("du", ["-s", ...options, layer], { encoding: "utf8" }).split("\t")[0] ?? "",
    );
  return { usedBytes: count("-B1"), inodesUsed: count("--inodes") };
}

function write(name: string, size: number): string {
  const file = path.join(layer, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  // Synced, because a file system may allocate blocks only when it writes them out.
  fs.writeFileSync(file, Buffer.alloc(size, 1), { flush: true });
  return file;
}

function grow(name: string, size: number): void {
  const fd = fs.openSync(path.join(layer, name), "a");
  fs.writeSync(fd, Buffer.alloc(size, 1));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

/** As if a file had not been written for a day: its directory's time stamps do not change. */
function makeOld(name: string): void {
  const dayAgo = new Date(Date.now() - 86_400_000);
  fs.utimesSync(path.join(layer, name), dayAgo, dayAgo);
}

beforeEach(() => {
  directory = temporaryDirectory();
  layer = path.join(directory, "diff");
  fs.mkdirSync(layer);
});

afterEach(async () => {
  await tracker.close();
  fs.rmSync(directory, { recursive: true, force: true });
});

describe("a layer within the budget", () => {
  test("has the figures of du(1) after every refresh, whatever happened in between", async () => {
    write("a/one", 10_000);
    write("a/b/two", 70_000);
    fs.symlinkSync("/etc", path.join(layer, "a/link"));
    follow();
    expect(await refresh()).toMatchObject({ ...du(), complete: true, exact: true });

    grow("a/b/two", 1_000_000);
    write("c/d/e/three", 5_000);
    expect(await refresh()).toMatchObject({ ...du(), exact: true });

    fs.rmSync(path.join(layer, "a/one"));
    fs.renameSync(path.join(layer, "c/d"), path.join(layer, "d"));
    expect(await refresh()).toMatchObject(du());

    fs.rmSync(path.join(layer, "a"), { recursive: true });
    fs.rmSync(path.join(layer, "d"), { recursive: true });
    fs.rmSync(path.join(layer, "c"), { recursive: true });
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 1n });
  });

  test("counts a sparse file by what it holds", async () => {
    const file = write("sparse", 4096);
    fs.truncateSync(file, 2 ** 32);
    follow();
    const usage = await refresh();
    expect(usage).toMatchObject(du());
    expect(usage.usedBytes).toBeLessThan(1_000_000n);
  });

  test("counts hard links once, in one directory and in several, until the last is gone", async () => {
    const file = write("a/file", 50_000);
    fs.mkdirSync(path.join(layer, "b"));
    fs.linkSync(file, path.join(layer, "a/same"));
    fs.linkSync(file, path.join(layer, "b/other"));
    follow();
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 4n });
    grow("b/other", 100_000);
    expect(await refresh()).toMatchObject(du());
    fs.rmSync(path.join(layer, "a/same"));
    fs.rmSync(path.join(layer, "a/file"));
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 4n });
    fs.rmSync(path.join(layer, "b/other"));
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 3n });
  });

  test("counts names that are not UTF-8", async () => {
    const name = Buffer.concat([Buffer.from(`${layer}/`), Buffer.from([0xe9, 0xff])]);
    fs.mkdirSync(name);
    fs.writeFileSync(Buffer.concat([name, Buffer.from("/f\xfc", "latin1")]), "x");
    follow();
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 3n });
  });

  test("does not follow a directory that became a symbolic link", async () => {
    const elsewhere = path.join(directory, "elsewhere");
    fs.mkdirSync(elsewhere);
    fs.writeFileSync(path.join(elsewhere, "large"), Buffer.alloc(1_000_000, 1), { flush: true });
    write("a/b/file", 10);
    follow();
    await refresh();
    fs.rmSync(path.join(layer, "a/b"), { recursive: true });
    fs.symlinkSync(elsewhere, path.join(layer, "a/b"));
    expect(await refresh()).toMatchObject({ ...du(), inodesUsed: 3n });
  });

  test("is found behind a symbolic link to the engine's root", async () => {
    write("file", 10_000);
    const link = path.join(directory, "link");
    fs.symlinkSync(layer, link);
    tracker = createLayerUsageTracker();
    tracker.watch("c", link);
    expect(await refresh()).toMatchObject(du());
  });
});

describe("a layer larger than the budget", () => {
  const options = { budget: 40 };

  beforeEach(() => {
    for (let d = 0; d < 10; d++) {
      for (let f = 0; f < 20; f++) {
        write(`d${d}/f${f}`, 3_000);
        makeOld(`d${d}/f${f}`);
      }
    }
  });

  test("is looked at a piece at a time, and its figures are lower bounds until the first end", async () => {
    follow(options);
    const first = await refresh();
    expect(first).toMatchObject({ complete: false, exact: false, seenSinceNs: 0n });
    expect(first.usedBytes).toBeLessThan(du().usedBytes);
    let usage = first;
    let refreshes = 1;
    for (; !usage.complete; refreshes++) usage = await refresh();
    expect(usage).toMatchObject({ ...du(), complete: true, exact: false });
    // 211 entries by 40, each refresh ending with the directory that it is in.
    expect(refreshes).toBeGreaterThan(3);
    expect(refreshes).toBeLessThan(8);
  });

  test("notices entries that came and went within a round of time stamp checks", async () => {
    follow(options);
    while (!(await refresh()).complete);
    await sweep();
    write("d3/new", 100_000);
    fs.rmSync(path.join(layer, "d7"), { recursive: true });
    // 11 directories by 10 checks in a refresh: a round that was begun before, and one more.
    for (let i = 0; i < 4; i++) await refresh();
    expect(await refresh()).toMatchObject({ ...du(), exact: false });
  });

  test("notices growth of a file that was written lately in one refresh", async () => {
    write("d5/log", 1_000);
    follow(options);
    while (!(await refresh()).complete);
    grow("d5/log", 1_000_000);
    expect(await refresh()).toMatchObject(du());
    grow("d5/log", 500_000);
    expect(await refresh()).toMatchObject(du());
  });

  test("notices growth of any file within one sweep", async () => {
    follow(options);
    while (!(await refresh()).complete);
    grow("d8/f3", 1_000_000);
    makeOld("d8/f3");
    expect(await sweep()).toMatchObject(du());
  });

  test("keeps hard links straight over partial looks", async () => {
    fs.linkSync(path.join(layer, "d1/f1"), path.join(layer, "d9/link"));
    fs.linkSync(path.join(layer, "d1/f1"), path.join(layer, "d9/link2"));
    follow(options);
    while (!(await refresh()).complete);
    expect(await sweep()).toMatchObject(du());
    fs.rmSync(path.join(layer, "d1/f1"));
    fs.rmSync(path.join(layer, "d9/link"));
    expect(await sweep()).toMatchObject(du());
  });

  test("shrinks to exact figures when it fits the budget again", async () => {
    follow(options);
    while (!(await refresh()).complete);
    for (let d = 1; d < 10; d++) fs.rmSync(path.join(layer, `d${d}`), { recursive: true });
    await sweep();
    expect(await refresh()).toMatchObject({ ...du(), exact: true });
  });
});

describe("the tracker", () => {
  test("has no figures of a layer that is not there, and has them when it comes back", async () => {
    write("file", 100);
    follow();
    await refresh();
    fs.rmSync(layer, { recursive: true });
    expect(await tracker.refresh("c")).toBeUndefined();
    expect(tracker.usage("c")).toBeUndefined();
    write("file", 20_000);
    expect(await refresh()).toMatchObject({ ...du(), exact: true });
  });

  test("has no figures of a layer that it does not follow", async () => {
    follow();
    await refresh();
    tracker.forget("c");
    expect(tracker.usage("c")).toBeUndefined();
    expect(await tracker.refresh("c")).toBeUndefined();
    expect(await tracker.refresh("never")).toBeUndefined();
  });

  test("keeps one layer's trouble from the others", async () => {
    write("file", 100);
    const failed: [string, string][] = [];
    await new Promise<void>((resolve) => {
      follow({
        intervalMs: 60_000,
        onError: (id, error) => {
          failed.push([id, error.code]);
          resolve();
        },
      });
      tracker.watch("bad", "/a\0b");
      tracker.start();
    });
    expect(failed).toEqual([["bad", "read_failed"]]);
    await expect(tracker.refresh("bad")).rejects.toBeInstanceOf(CgroupError);
    expect(await refresh()).toMatchObject(du());
  });

  test("refreshes in the background once it is started, layers added later too", async () => {
    write("file", 100);
    let refreshes = 0;
    let seen = () => {};
    const third = new Promise<void>((resolve) => {
      seen = resolve;
    });
    follow({
      intervalMs: 1,
      nowMs: () => {
        if (tracker.usage("late") !== undefined && ++refreshes === 3) seen();
        return Date.now();
      },
    });
    tracker.start();
    tracker.watch("late", layer);
    await third;
    expect(tracker.usage("late")).toMatchObject(du());
  });

  /** Whether the layer was looked at after each of the first intervals, by a container's activity in each. */
  async function looks(
    activity: (interval: number) => bigint | undefined,
    options: LayerUsageOptions = {},
  ): Promise<boolean[]> {
    const stamps: (bigint | undefined)[] = [];
    let nowMs = 0;
    const done = Promise.withResolvers<void>();
    tracker = createLayerUsageTracker({
      callsPerSecond: Number.POSITIVE_INFINITY,
      intervalMs: 1,
      nowMs: () => ++nowMs,
      activity(id) {
        stamps.push(tracker.usage(id)?.timestampNs);
        if (stamps.length === 13) done.resolve();
        return activity(stamps.length);
      },
      ...options,
    });
    tracker.watch("c", layer);
    tracker.start();
    await done.promise;
    return stamps.slice(1, 13).map((stamp, index) => stamp !== stamps[index]);
  }
  const [seen, left] = [true, false];
  /** Looked at at once for what came in the fourth interval, and once more. */
  const againInFifth = [seen, seen, left, left, seen, seen, left, left, left, seen, left, left];

  test("leaves out looks while a container stands still, all but one more and every fifth", async () => {
    expect(await looks(() => 7n)).toEqual([
      seen,
      seen,
      left,
      left,
      left,
      seen,
      left,
      left,
      left,
      left,
      seen,
      left,
    ]);
  });

  test("looks at once when it has run, and once more", async () => {
    expect(await looks((interval) => (interval < 5 ? 7n : 8n))).toEqual(againInFifth);
  });

  test("looks at once when it is told that something else has written, and once more", async () => {
    const told = (interval: number): bigint => {
      // The layer's own count is taken after this.
      if (interval === 4) queueMicrotask(() => tracker.written("c"));
      return 7n;
    };
    expect(await looks(told)).toEqual(againInFifth);
    tracker.written("unknown");
  });

  test("looks each time while it runs, and when nobody knows", async () => {
    expect(await looks((interval) => BigInt(interval))).toEqual(Array(12).fill(seen));
    await tracker.close();
    expect(await looks(() => undefined)).toEqual(Array(12).fill(seen));
  });

  test("looks each time at a layer that it sees in pieces", async () => {
    for (let i = 0; i < 12; i++) write(`d${i}/file`, 1);
    expect(await looks(() => 7n, { budget: 4 })).toEqual(Array(12).fill(seen));
  });

  test("ends a refresh under way when it is closed", async () => {
    for (let i = 0; i < 50; i++) write(`f${i}`, 1);
    follow({ callsPerSecond: 20 });
    const pending = tracker.refresh("c");
    await tracker.close();
    expect(await pending).toBeUndefined();
  });

  test("answers two callers with one look", async () => {
    follow();
    const [a, b] = await Promise.all([tracker.refresh("c"), tracker.refresh("c")]);
    expect(a).toBe(b);
  });
});
