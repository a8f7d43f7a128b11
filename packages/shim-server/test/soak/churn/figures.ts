import { readdirSync, readFileSync } from "node:fs";
import type { Sample, TimedCall } from "./samples.ts";

/** What took how long, and what failed, since the last {@link Tally.take}. */
export interface Tally {
  pods: number;
  restarts: number;
  readonly failures: Map<string, number>;
  /** @throws What the call does, once it has been counted. */
  time<T>(call: TimedCall, work: () => Promise<T>): Promise<T>;
  fail(reason: unknown): void;
  /** Medians in ms. */
  take(): Partial<Record<TimedCall, number>>;
}

export function createTally(): Tally {
  let taken = new Map<TimedCall, number[]>();
  const failures = new Map<string, number>();
  const tally: Tally = {
    pods: 0,
    restarts: 0,
    failures,
    async time(call, work) {
      const begin = performance.now();
      const result = await work();
      taken.set(call, [...(taken.get(call) ?? []), performance.now() - begin]);
      return result;
    },
    fail(reason) {
      const { code = String(reason) } = reason as { code?: string };
      failures.set(code, (failures.get(code) ?? 0) + 1);
    },
    take() {
      const medians = [...taken].map(([call, times]) => [
        call,
        times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)],
      ]);
      taken = new Map();
      return Object.fromEntries(medians);
    },
  };
  return tally;
}

/** Looks at a daemon, by /proc and by its own metrics. */
export async function takeSample(
  pid: number,
  metrics: string,
  begin: number,
  tally: Tally,
): Promise<Sample> {
  const text = await (await fetch(metrics)).text();
  const metric = (line: RegExp): number => Number(line.exec(text)?.[1] ?? Number.NaN);
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(status)?.[1]);
  return {
    seconds: Math.round((performance.now() - begin) / 1000),
    rssMb: field("VmRSS") / 1024,
    heapMb: metric(/^nodejs_heap_size_used_bytes (\S+)/m) / 2 ** 20,
    heapTotalMb: metric(/^nodejs_heap_size_total_bytes (\S+)/m) / 2 ** 20,
    externalMb: metric(/^nodejs_external_memory_bytes (\S+)/m) / 2 ** 20,
    fds: readdirSync(`/proc/${pid}/fd`).length,
    threads: field("Threads"),
    loopP99Ms: metric(/^nodejs_eventloop_lag_seconds\{kind="p99"\} (\S+)/m) * 1000,
    load: Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]),
    restarts: tally.restarts,
    pods: tally.pods,
    failures: [...tally.failures.values()].reduce((sum, count) => sum + count, 0),
    latencies: tally.take(),
  };
}
