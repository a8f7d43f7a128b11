import type { BenchArguments } from "./arguments.ts";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import { measureCalls, measureThroughput, type Row } from "./measure-calls.ts";
import { createPopulation, type PodChoices, type Population, startPod, stopPod } from "./pods.ts";
import { measurePolling, type PollingCost } from "./polling.ts";
import { processFigures } from "./process-figures.ts";
import { summarize } from "./summary.ts";

/** What was found on one endpoint with so many pods on it. */
export interface Stage extends PollingCost {
  readonly pods: number;
  readonly rows: Readonly<Record<string, Row>>;
  readonly fillPerSecond: number;
  readonly listsPerSecond: number;
  readonly rssMb: number | undefined;
}

export interface EndpointResult {
  readonly name: string;
  readonly version: string;
  readonly lifecycle: Readonly<Record<string, Row>>;
  readonly stages: readonly Stage[];
}

const lifecycleRows = ["pod start", "pod stop and remove"] as const;

/**
 * Measures the endpoints in turn.
 *
 * Pods are started and stopped on each endpoint alternately. At each number of pods the endpoints
 * take turns as well, and only one has pods at a time: two runtimes on one engine may each see the
 * other's. One endpoint alone keeps its pods, and more come to them.
 */
export async function compare(
  endpoints: readonly Endpoint[],
  args: BenchArguments,
  pods: Pick<PodChoices, "image" | "logRoot">,
  cleanup: Cleanup,
): Promise<EndpointResult[]> {
  const results = endpoints.map(({ name, version }) => ({
    name,
    version,
    lifecycle: {} as Record<string, Row>,
    stages: [] as Stage[],
  }));
  const each = <T>(of: readonly T[], work: (item: T, index: number) => Promise<void>) =>
    of.reduce((before, item, index) => before.then(() => work(item, index)), Promise.resolve());

  const choices: PodChoices = { ...pods, hostNetwork: false, container: "running" };
  const times = endpoints.map(() => lifecycleRows.map((): number[] => []));
  for (let cycle = 0; cycle < args.lifecycles; cycle++) {
    await each(endpoints, async (endpoint, index) => {
      console.error(`${endpoint.name}: pod ${cycle + 1} of ${args.lifecycles}`);
      const [start, stop] = await timeLifecycle(endpoint, choices, cleanup);
      times[index]?.[0]?.push(start);
      times[index]?.[1]?.push(stop);
    });
  }
  if (args.lifecycles > 0) {
    results.forEach(({ lifecycle }, index) => {
      lifecycleRows.forEach((row, which) => {
        lifecycle[row] = summarize(times[index]?.[which] ?? []);
      });
    });
  }
  const standing: PodChoices = { ...pods, hostNetwork: true, container: args.container };
  const populations = endpoints.map((endpoint) => createPopulation(endpoint, standing, cleanup));
  await each(args.pods, async (size) => {
    await each(endpoints, async (endpoint, index) => {
      const population = populations[index] as Population;
      const stage = await measureStage(endpoint, population, size, args, pods.image, cleanup);
      results[index]?.stages.push(stage);
      if (endpoints.length > 1) await population.empty();
    });
  });
  for (const population of populations) await population.empty();
  return results;
}

async function timeLifecycle(
  endpoint: Endpoint,
  choices: PodChoices,
  cleanup: Cleanup,
): Promise<[start: number, stop: number]> {
  cleanup.check();
  const started = performance.now();
  const pod = await startPod(endpoint, choices);
  const forget = cleanup.add(() => stopPod(endpoint, pod));
  const running = performance.now();
  await stopPod(endpoint, pod);
  forget();
  return [running - started, performance.now() - running];
}

async function measureStage(
  endpoint: Endpoint,
  population: Population,
  size: number,
  args: BenchArguments,
  image: string,
  cleanup: Cleanup,
): Promise<Stage> {
  const note = (text: string) => console.error(`${endpoint.name}, ${size} pods: ${text}`);
  note("making them");
  const fillPerSecond = await population.grow(size);
  note("calls");
  const rows = await measureCalls(endpoint, population.pods, image, args.calls, cleanup);
  const listsPerSecond = await measureThroughput(endpoint, args.callers, 3);
  note("polling");
  const polling = await measurePolling(endpoint, population.pods, args.pollSeconds);
  const rssMb = endpoint.pid === undefined ? undefined : processFigures(endpoint.pid)?.rssMb;
  return { pods: size, rows, fillPerSecond, listsPerSecond, rssMb, ...polling };
}
