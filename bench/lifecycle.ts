import { allOf } from "./all-of.ts";
import type { ByHand, HandMadePod, OnStep } from "./by-hand.ts";
import type { Cleanup } from "./cleanup.ts";
import type { CriCaller } from "./cri-caller.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Pod, type PodChoices, startPod, stopPod } from "./pods.ts";
import { type Summary, summarize } from "./summary.ts";

/** Who makes pods, and takes them away again. */
interface Maker<P> {
  readonly name: string;
  start(onStep: OnStep): Promise<P>;
  stop(pod: P, onStep: OnStep): Promise<void>;
}

/** What one maker took, in ms. */
export interface Lifecycle {
  readonly name: string;
  readonly start: Summary;
  readonly stop: Summary;
  /** Until the last of so many pods that were started at once runs, and is gone. */
  readonly startAtOnce: Summary;
  readonly stopAtOnce: Summary;
  /** The calls that starts and stops one by one are made of. */
  readonly steps: Readonly<Record<string, Summary>>;
}

/**
 * Times pods on a network, from the first call to the last reply: one by one, and so many at once.
 *
 * Endpoints and the maker by hand take turns, pod for pod, and each round begins with another one.
 */
export async function measureLifecycle(
  endpoints: readonly Endpoint[],
  byHand: ByHand,
  choices: PodChoices,
  counts: { readonly lifecycles: number; readonly atOnce: number; readonly rounds: number },
  cleanup: Cleanup,
): Promise<Lifecycle[]> {
  const subjects = [
    ...endpoints.map((endpoint) => createSubject(ofEndpoint(endpoint, choices), cleanup)),
    createSubject<HandMadePod>({ name: "by hand", ...byHand }, cleanup),
  ];
  for (const subject of subjects) await subject.warmUp();
  for (let round = 0; round < counts.lifecycles; round++) {
    console.error(`pod ${round + 1} of ${counts.lifecycles}`);
    for (const subject of turned(subjects, round)) await subject.one();
  }
  for (let round = 0; round < counts.rounds; round++) {
    console.error(`${counts.atOnce} pods at once, ${round + 1} of ${counts.rounds}`);
    for (const subject of turned(subjects, round)) await subject.several(counts.atOnce);
  }
  return subjects.map((subject) => subject.found());
}

function turned<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

function ofEndpoint(endpoint: Endpoint, choices: PodChoices): Maker<Pod> {
  const timed = (onStep: OnStep): Endpoint => ({ ...endpoint, cri: timedCaller(endpoint, onStep) });
  return {
    name: endpoint.name,
    start: (onStep) => startPod(timed(onStep), choices),
    stop: (pod, onStep) => stopPod(timed(onStep), pod),
  };
}

function timedCaller({ cri }: Endpoint, onStep: OnStep): CriCaller {
  return {
    async call(method, request) {
      const timed = await cri.call(method, request);
      onStep(method.name, timed.ms);
      return timed;
    },
    close: () => cri.close(),
  };
}

interface Subject {
  warmUp(): Promise<void>;
  one(): Promise<void>;
  several(count: number): Promise<void>;
  found(): Lifecycle;
}

function createSubject<P>(maker: Maker<P>, cleanup: Cleanup): Subject {
  const times = {
    start: [] as number[],
    stop: [] as number[],
    startAtOnce: [] as number[],
    stopAtOnce: [] as number[],
  };
  const steps = new Map<string, number[]>();
  const silent: OnStep = () => undefined;
  const note: OnStep = (step, ms) => steps.set(step, [...(steps.get(step) ?? []), ms]);

  /** @returns How long it took until all pods run, and until all are gone. */
  async function live(count: number, onStep: OnStep): Promise<[number, number]> {
    cleanup.check();
    const pods: P[] = [];
    const forget = cleanup.add(async () => {
      for (const pod of pods) await maker.stop(pod, silent);
    });
    const started = performance.now();
    await allOf(count, async () => void pods.push(await maker.start(onStep)));
    const running = performance.now();
    const stopping = pods.splice(0);
    await allOf(count, async (index) => await maker.stop(stopping[index] as P, onStep));
    forget();
    return [running - started, performance.now() - running];
  }

  return {
    async warmUp() {
      await live(1, silent);
    },
    async one() {
      const [start, stop] = await live(1, note);
      times.start.push(start);
      times.stop.push(stop);
    },
    async several(count) {
      const [start, stop] = await live(count, silent);
      times.startAtOnce.push(start);
      times.stopAtOnce.push(stop);
    },
    found: () => ({
      name: maker.name,
      start: summarize(times.start),
      stop: summarize(times.stop),
      startAtOnce: summarize(times.startAtOnce),
      stopAtOnce: summarize(times.stopAtOnce),
      steps: Object.fromEntries([...steps].map(([name, ms]) => [name, summarize(ms)])),
    }),
  };
}
