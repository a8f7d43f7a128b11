import { type Sample, timedCalls } from "./samples.ts";

/** By how much what is held may be more in the last third than in the middle one. */
const heldTolerance = { rssMb: 8, heapMb: 4, fds: 5, threads: 2 } as const;

/** By what factor, and by how many ms besides, what takes time may take longer than the engine alone does. */
const timeTolerance = { factor: 2, ms: 10 } as const;

/**
 * What has grown, as sentences; none when nothing has.
 *
 * The first third is warm-up. Of what is held, the least of a third counts: a heap rises until it is
 * collected, and what it falls back to is what it holds. Of what takes time, it is the lower quartile:
 * what is possible when the machine has little else to do. Where the engine alone has become slower,
 * the daemon may be as much slower.
 */
export function findGrowth(samples: readonly Sample[]): string[] {
  const third = Math.floor(samples.length / 3);
  if (third === 0) return ["too few samples to tell: run it longer"];
  const [middle, last] = [samples.slice(third, 2 * third), samples.slice(2 * third)];
  const growth: string[] = [];
  const compare = (name: string, before: number, after: number, most: number): void => {
    if (after > most) growth.push(`${name} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`);
  };
  for (const [name, tolerance] of Object.entries(heldTolerance)) {
    const least = (of: readonly Sample[]) =>
      Math.min(...of.map((sample) => sample[name as keyof typeof heldTolerance]));
    compare(name, least(middle), least(last), least(middle) + tolerance);
  }
  const engine = (of: readonly Sample[]) => quartile(of, ({ latencies }) => latencies.engine) ?? 1;
  const slowdown = Math.max(1, engine(last) / engine(middle));
  const slower = (name: string, of: (sample: Sample) => number | undefined): void => {
    const [before, after] = [quartile(middle, of), quartile(last, of)];
    if (before === undefined || after === undefined) growth.push(`${name} was not measured`);
    else compare(name, before, after, before * timeTolerance.factor * slowdown + timeTolerance.ms);
  };
  slower("loopP99Ms", ({ loopP99Ms }) => loopP99Ms);
  for (const call of timedCalls) {
    if (call !== "engine") slower(`${call} in ms`, ({ latencies }) => latencies[call]);
  }
  return growth;
}

function quartile(
  samples: readonly Sample[],
  of: (sample: Sample) => number | undefined,
): number | undefined {
  const values = samples.map(of).filter((value) => value !== undefined);
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)];
}
