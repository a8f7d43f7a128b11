import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "@jest/globals";

const leanMemory = new URL("../dist/serve/lean-memory.js", import.meta.url).href;

/**
 * A process that takes 64 MB within V8's heap and 48 MB beside it, lets go of them and does nothing more.
 * It tells how much of that it still has in the end, in MB.
 */
const burst = `
  import { setTimeout } from "node:timers/promises";
  const { keepMemoryLean } = await import(${JSON.stringify(leanMemory)});
  keepMemoryLean(20);
  // What the start took is given back first.
  await setTimeout(200);
  const rss = () => process.memoryUsage.rss() / 1024 / 1024;
  const before = rss();
  const take = () => [
    Array.from({ length: 1_000_000 }, (_, at) => ({ at, next: { at } })),
    Array.from({ length: 48 * 32 }, () => Buffer.alloc(32 * 1024, 1)),
  ];
  let kept = take();
  if (rss() < before + 90) throw new Error("there was no burst");
  kept = undefined;
  const end = performance.now() + 60_000;
  while (rss() > before + 25 && performance.now() < end) await setTimeout(20);
  console.log(Math.round(rss() - before));
`;

/**
 * A process whose start fills the young generation with what lives on, and whose later work does so again. It tells
 * how large the young generation was then, in MB: after the start, once the start is over, and after the work.
 */
const start = `
  import { setTimeout } from "node:timers/promises";
  import { getHeapSpaceStatistics } from "node:v8";
  const { keepMemoryLean } = await import(${JSON.stringify(leanMemory)});
  keepMemoryLean(200);
  const young = () =>
    getHeapSpaceStatistics().find((each) => each.space_name === "new_space").space_size / 1024 / 1024;
  const work = () => {
    let kept = [];
    for (let round = 0; round < 40; round++) kept.push(Array.from({ length: 50_000 }, (_, at) => ({ at })));
    return kept.length;
  };
  work();
  const sizes = [young()];
  const end = performance.now() + 60_000;
  while (young() >= sizes[0] && performance.now() < end) await setTimeout(20);
  sizes.push(young());
  work();
  sizes.push(young());
  console.log(JSON.stringify(sizes));
`;

test("the young generation grows during the start, and neither stays so nor grows again", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    start,
  ]);
  const [started = 0, after = 0, later = 0]: number[] = JSON.parse(stdout);
  expect(started).toBeGreaterThan(8);
  expect(after).toBeLessThan(4);
  expect(later).toBeLessThan(4);
});

test("what a burst took in V8's heap and beside it is given back without further work", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--input-type=module",
    "--eval",
    burst,
  ]);
  expect(Number(stdout)).toBeLessThan(30);
});
