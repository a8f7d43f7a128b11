/** What is timed, as columns are named after it: calls, and a list that the engine is asked for without the daemon. */
export const timedCalls = [
  "engine",
  "lists",
  "statuses",
  "stats",
  "runPodSandbox",
  "startContainer",
  "execSync",
] as const;
export type TimedCall = (typeof timedCalls)[number];

/** What a daemon holds at one moment, and how it has answered since the one before. */
export interface Sample {
  /** Since the beginning, in s. */
  readonly seconds: number;
  readonly rssMb: number;
  /** V8's heap in use. */
  readonly heapMb: number;
  /** V8's heap as it has been taken from the system. */
  readonly heapTotalMb: number;
  /** Buffers outside of the heap. */
  readonly externalMb: number;
  readonly fds: number;
  readonly threads: number;
  /** 99th percentile of the event loop's delay, in ms. */
  readonly loopP99Ms: number;
  /** Of the whole machine, over the last minute. */
  readonly load: number;
  /** Engine restarts until then. */
  readonly restarts: number;
  /** Pods that have come and gone until then. */
  readonly pods: number;
  /** Calls that failed, while the engine was away or not, until then. */
  readonly failures: number;
  /** Medians of what calls took, in ms; undefined where there was none. */
  readonly latencies: Readonly<Partial<Record<TimedCall, number>>>;
}

const figures = [
  "seconds",
  "rssMb",
  "heapMb",
  "heapTotalMb",
  "externalMb",
  "fds",
  "threads",
  "loopP99Ms",
  "load",
  "restarts",
  "pods",
  "failures",
] as const;

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Samples as a table with a line for each. */
export function toCsv(samples: readonly Sample[]): string {
  const lines = samples.map((sample) => [
    ...figures.map((name) => rounded(sample[name])),
    ...timedCalls.map((call) => {
      const ms = sample.latencies[call];
      return ms === undefined ? "" : rounded(ms);
    }),
  ]);
  return `${[[...figures, ...timedCalls], ...lines].map((line) => line.join(",")).join("\n")}\n`;
}
