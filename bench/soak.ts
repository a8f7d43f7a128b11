import { setTimeout as delay } from "node:timers/promises";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import type { OwnDaemon } from "./own-daemon.ts";
import type { Pod } from "./pods.ts";
import { kubeletRates, pollLists, pollStatuses } from "./polling.ts";
import { processFigures } from "./process-figures.ts";

/** What a process holds at one moment. */
export interface SoakSample {
  readonly seconds: number;
  readonly rssMb: number;
  /** V8's heap in use; undefined for a runtime that does not tell. */
  readonly heapMb: number | undefined;
  readonly fds: number;
  /** Calls made until then. */
  readonly calls: number;
}

export interface SoakChoices {
  readonly minutes: number;
  /** How many times faster than a kubelet. */
  readonly speed: number;
}

const samples = 60;

/**
 * Polls an endpoint many times faster than a kubelet does, and looks at its memory and
 * descriptors meanwhile.
 */
export async function soak(
  endpoint: Endpoint,
  daemon: Pick<OwnDaemon, "memory"> | undefined,
  pods: readonly Pod[],
  { minutes, speed }: SoakChoices,
  cleanup: Cleanup,
  onSample: (sample: SoakSample) => void,
): Promise<SoakSample[]> {
  const { pid } = endpoint;
  if (pid === undefined) throw new Error("soak: the endpoint needs its pid: name=socket=pid");
  const started = performance.now();
  const end = started + minutes * 60_000;
  let calls = 0;

  async function repeat(everyMs: number, perRound: number, poll: () => Promise<void>) {
    for (let next = started; performance.now() < end; ) {
      cleanup.check();
      await poll();
      calls += perRound;
      // Rounds that could not be kept up with are left out, not caught up with.
      next = Math.max(next + everyMs, performance.now());
      await delay(next - performance.now());
    }
  }

  async function observe(id: number): Promise<SoakSample[]> {
    const taken: SoakSample[] = [];
    while (performance.now() < end) {
      await delay(Math.min((minutes * 60_000) / samples, end - performance.now() + 1));
      const figures = processFigures(id);
      if (figures === undefined) throw new Error("soak: the process is gone");
      const heap = (await daemon?.memory())?.heapUsed;
      const sample = {
        seconds: Math.round((performance.now() - started) / 1_000),
        rssMb: figures.rssMb,
        heapMb: heap === undefined ? undefined : heap / 1024 / 1024,
        fds: figures.fds,
        calls,
      };
      taken.push(sample);
      onSample(sample);
    }
    return taken;
  }

  const statusCalls = pods.reduce((sum, pod) => sum + (pod.containerId === "" ? 1 : 2), 0);
  const [taken] = await Promise.all([
    observe(pid),
    repeat(kubeletRates.listsMs / speed, 2, () => pollLists(endpoint)),
    repeat(kubeletRates.statusesMs / speed, statusCalls, () => pollStatuses(endpoint, pods)),
  ]);
  return taken;
}

/** How much more the last third may hold than the middle one. */
const tolerance = { rssMb: 6, heapMb: 3, fds: 3 } as const;

/**
 * What keeps growing, as sentences; none when nothing does.
 *
 * The first third is warm-up. Of the others the least value counts: a heap rises until it is
 * collected, and what it falls back to is what it holds.
 */
export function findGrowth(taken: readonly SoakSample[]): string[] {
  const third = Math.floor(taken.length / 3);
  const middle = taken.slice(third, 2 * third);
  const last = taken.slice(2 * third);
  if (middle.length === 0) return ["too few samples to tell: run it longer"];
  const growth: string[] = [];
  for (const key of ["rssMb", "heapMb", "fds"] as const) {
    const least = (from: readonly SoakSample[]) =>
      Math.min(...from.map((sample) => sample[key] ?? 0));
    const [before, after] = [least(middle), least(last)];
    if (after > before + tolerance[key]) {
      growth.push(`${key} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`);
    }
  }
  return growth;
}
