import { setTimeout as delay } from "node:timers/promises";
import { RuntimeService } from "@dockershim/cri-types";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import type { OwnDaemon } from "./own-daemon.ts";
import type { Pod } from "./pods.ts";
import { kubeletRates, pollLists, pollStatuses } from "./polling.ts";
import { processFigures, shimsOf, zombiesOf } from "./process-figures.ts";

/** What a process holds at one moment. */
export interface SoakSample {
  readonly seconds: number;
  readonly rssMb: number;
  /** V8's heap in use; undefined for a runtime that does not tell. */
  readonly heapMb: number | undefined;
  readonly fds: number;
  /** Processes that have ended and that the daemon, or a pod's shim, has not asked for. */
  readonly zombies: number;
  /** Calls made until then, and probes that were answered. */
  readonly calls: number;
  readonly probes: number;
}

export interface SoakChoices {
  readonly minutes: number;
  /** How many times faster than a kubelet. */
  readonly speed: number;
  /** So many ExecSync a second besides. */
  readonly probes: number;
}

const samples = 60;
/** More probes at once only wait for each other in the engine. */
const probesAtOnce = 16;

/**
 * Polls an endpoint many times faster than a kubelet does, and looks at its memory and
 * descriptors meanwhile.
 */
export async function soak(
  endpoint: Endpoint,
  daemon: Pick<OwnDaemon, "memory"> | undefined,
  pods: readonly Pod[],
  { minutes, speed, probes }: SoakChoices,
  cleanup: Cleanup,
  onSample: (sample: SoakSample) => void,
): Promise<SoakSample[]> {
  const { pid } = endpoint;
  if (pid === undefined) throw new Error("soak: the endpoint needs its pid: name=socket=pid");
  const started = performance.now();
  const end = started + minutes * 60_000;
  let calls = 0;
  let probed = 0;

  async function repeat(everyMs: number, perRound: number, poll: () => Promise<void>) {
    for (let next = started; performance.now() < end; ) {
      cleanup.check();
      await poll();
      calls += perRound;
      // Rounds that could not be kept up with are left out, not caught up with.
      next = Math.max(next + everyMs, performance.now());
      await delay(Math.max(0, next - performance.now()));
    }
  }

  /** Probes in turn, each when it is due; who has to wait for the engine leaves out what was due meanwhile. */
  async function probe(): Promise<void> {
    const holders = pods.filter(({ containerId }) => containerId !== "");
    const callers = Math.min(probes, probesAtOnce);
    const everyMs = (callers / probes) * 1_000;
    await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        await delay((caller / probes) * 1_000);
        for (let next = performance.now(), turn = caller; performance.now() < end; ) {
          cleanup.check();
          const { containerId = "" } = holders[turn % holders.length] ?? {};
          turn += callers;
          const request = { containerId, cmd: ["true"], timeout: 60n };
          const { reply } = await endpoint.cri.call(RuntimeService.method.execSync, request);
          if (reply.exitCode !== 0) throw new Error(`soak: true exits with ${reply.exitCode}`);
          probed++;
          next = Math.max(next + everyMs, performance.now());
          await delay(Math.max(0, next - performance.now()));
        }
      }),
    );
  }

  const sandboxes = new Set(pods.map(({ sandboxId }) => sandboxId));

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
        zombies: zombiesOf([id, ...shimsOf(sandboxes)]),
        calls,
        probes: probed,
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
    probe(),
  ]);
  return taken;
}

/** How much more the last third may hold than the middle one. */
const tolerance = { rssMb: 6, heapMb: 3, fds: 3, zombies: 2 } as const;

/**
 * What keeps growing, as sentences; none when nothing does.
 *
 * The first third is warm-up. Of the others the least value counts: a heap rises until it is
 * collected, and what it falls back to is what it holds. Probes under way have connections, and how many
 * are under way is the engine's to say.
 */
export function findGrowth(
  taken: readonly SoakSample[],
  { probes }: Pick<SoakChoices, "probes">,
): string[] {
  const third = Math.floor(taken.length / 3);
  const middle = taken.slice(third, 2 * third);
  const last = taken.slice(2 * third);
  if (middle.length === 0) return ["too few samples to tell: run it longer"];
  const growth: string[] = [];
  const allowed = { ...tolerance, fds: tolerance.fds + Math.min(probes, probesAtOnce) };
  for (const key of ["rssMb", "heapMb", "fds", "zombies"] as const) {
    const least = (from: readonly SoakSample[]) =>
      Math.min(...from.map((sample) => sample[key] ?? 0));
    const [before, after] = [least(middle), least(last)];
    if (after > before + allowed[key]) {
      growth.push(`${key} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`);
    }
  }
  return growth;
}
