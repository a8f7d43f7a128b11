/** How a set of durations is spread, in ms. */
export interface Summary {
  readonly n: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

export function summarize(durations: readonly number[]): Summary {
  const sorted = [...durations].sort((a, b) => a - b);
  const at = (share: number) =>
    round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

/** Three decimals: microseconds of a figure in ms. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
