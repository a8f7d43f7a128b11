import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createPowerLossFs, type DiskState } from "@dockershim/testing";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import type { CacheEntry } from "../src/result-cache.js";

const disk = createPowerLossFs();
jest.unstable_mockModule("node:fs/promises", () => disk.fs);
const { createResultCache } = await import("../src/result-cache.js");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "power-"));
});
afterAll(() => rm(dir, { recursive: true }));

const attachment = {
  network: "podnet",
  containerId: "c".repeat(64),
  ifName: "eth0",
  netns: "/proc/1/ns/net",
  configText: '{"name":"podnet"}',
};
const partial = { cniVersion: "1.0.0", interfaces: [] };
const whole = { ...partial, ips: [{ address: "10.0.0.2/24" }] };

/** What is written of an attachment, from before its first plugin runs until after its last DEL. */
const writes: CacheEntry[] = [
  { ...attachment, result: undefined, complete: false },
  { ...attachment, result: partial, complete: false },
  { ...attachment, result: whole, complete: true },
  { ...attachment, result: whole, complete: false },
];

/** What a daemon that starts on what is left reads of it, and how much of it makes no sense. */
async function readAgain(left: DiskState, number: number) {
  const cacheDir = join(dir, "after", String(number));
  for (const [path, text] of Object.entries(left)) {
    const file = join(cacheDir, path.slice(join(dir, "cache").length));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const unreadable: string[] = [];
  const log = (_level: string, message: string) => void unreadable.push(message);
  const found = await createResultCache({ cacheDir, extraCacheDirs: [], log }).list();
  return { unreadable, found };
}

test("whenever the power goes, what may have an address is known, with what it takes to give that back", async () => {
  const cache = createResultCache({
    cacheDir: join(dir, "cache"),
    extraCacheDirs: [],
    log: () => undefined,
  });
  /** For each moment: what may be left, and the entries of which one must be. */
  const moments: { states: DiskState[]; allowed: (CacheEntry | undefined)[] }[] = [];
  let allowed: (CacheEntry | undefined)[] = [undefined, writes[0]];
  disk.onStep = () => moments.push({ states: disk.states(), allowed });
  for (const [at, entry] of writes.entries()) {
    // No plugin runs before the first of them is on the disk.
    if (at > 0) allowed = writes.slice(0, at + 1);
    await cache.write(entry);
  }
  allowed = [...writes, undefined];
  const [cached] = await cache.list();
  if (cached !== undefined) await cache.remove(cached);
  disk.onStep = undefined;
  expect(moments.length).toBeGreaterThan(15);

  let number = 0;
  for (const [at, { states, allowed: entries }] of moments.entries()) {
    for (const left of states) {
      const { unreadable, found } = await readAgain(left, number++);
      expect({ at, left, unreadable }).toEqual({ at, left, unreadable: [] });
      const told = found.map(({ result, complete, configText }) => ({
        result,
        complete,
        configText,
      }));
      const may = entries.map((entry) =>
        entry === undefined
          ? []
          : [{ result: entry.result, complete: entry.complete, configText: entry.configText }],
      );
      expect({ at, may }).toEqual({ at, may: expect.arrayContaining([told]) });
    }
  }
  expect(number).toBeGreaterThan(50);
});
