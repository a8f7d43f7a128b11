import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { localLogConfig } from "@dockershim/container-logs";
import { ContainerState, RuntimeService } from "@dockershim/cri-types";
import { allOf } from "./all-of.ts";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import { type LogDriver, runOnEngine, type Spell } from "./engine-logs.ts";
import { createPopulation, type Pod, type PodChoices, startPod, stopPod } from "./pods.ts";
import { cpuSeconds } from "./process-figures.ts";
import { type Summary, summarize } from "./summary.ts";

const { method } = RuntimeService;

/** How logs are copied while containers write. */
export interface LogFigures {
  /** CPU of the runtime in percent of one core, while so many containers run and say nothing. */
  readonly quiet: { readonly containers: number; readonly cpu: number | undefined };
  readonly busy: readonly BusyFigures[];
}

interface BusyFigures {
  readonly writers: number;
  /** What all writers together said, in MB of output a second, from the first's start to the last's end. */
  readonly megabytesPerSecond: number;
  /** The same by the engine alone, by log driver; undefined where the engine is not known. */
  readonly engineAlone: Readonly<Record<string, number>> | undefined;
  /** From the last writer's end until CRI tells it, which it does when the log is complete; ms. */
  readonly behind: number;
  /** From the stamp of another container's line until it is in its log; ms. */
  readonly lag: Summary;
}

/** Each writer says so much in all, in lines of 100 bytes. */
const megabytes = 96;
const writerCounts = [1, 10] as const;
/**
 * What starts leave is over by then: the collection after them, and the two looks that each writable layer has
 * of a container that stands still, a minute apart, before most of the later ones are left out.
 */
const settleMs = 150_000;
const quietSeconds = 60;
const lookMs = 4;
/** So many containers are made at once. */
const parallel = 4;
const containersOfPod = 10;

const line = "x".repeat(99);
const writer = (share: number) => ["sh", "-c", `yes ${line} | head -c ${share}`];
/** It says a line twenty times a second. */
const talker = ["sh", "-c", "while :; do echo tick; usleep 50000; done"];

/** Docker's own default, and what containers of a pod have. */
const drivers: readonly LogDriver[] = [{ Type: "json-file", Config: {} }, localLogConfig];

/**
 * Measures what copying logs costs and how far behind it is.
 *
 * @param docker Path of the engine's socket, where it is known.
 * @param quiet How many containers run and say nothing.
 */
export async function measureLogs(
  endpoint: Endpoint,
  docker: string | undefined,
  pods: PodChoices,
  quiet: number,
  cleanup: Cleanup,
): Promise<LogFigures> {
  const busy: BusyFigures[] = [];
  for (const writers of writerCounts) {
    console.error(`${writers} writing as fast as they can`);
    const figures = await inPod(endpoint, pods, cleanup, (pod) =>
      measureBusy(endpoint, pods, pod, writers),
    );
    const engineAlone =
      docker === undefined ? undefined : await measureEngine(docker, pods, writers, cleanup);
    busy.push({ ...figures, engineAlone });
  }
  console.error(`making ${quiet} quiet containers`);
  const cpu = await measureQuiet(endpoint, pods, quiet, cleanup);
  return { quiet: { containers: quiet, cpu }, busy };
}

/** CPU while so many containers say nothing. Their pods go with the run, once its figures are out. */
async function measureQuiet(
  endpoint: Endpoint,
  pods: PodChoices,
  quiet: number,
  cleanup: Cleanup,
): Promise<number | undefined> {
  const population = createPopulation(endpoint, { ...pods, container: "none" }, cleanup);
  await population.grow(Math.ceil(quiet / containersOfPod));
  let left = quiet;
  const maker = async (): Promise<void> => {
    for (let number = left--; number > 0; number = left--) {
      cleanup.check();
      const pod = population.pods[number % population.pods.length] as Pod;
      await startContainer(endpoint, pods, pod, `quiet-${number}`, ["sleep", "86400"]);
    }
  };
  await allOf(parallel, maker);
  return endpoint.pid === undefined ? undefined : await idleCpu(endpoint.pid);
}

async function inPod<T>(
  endpoint: Endpoint,
  pods: PodChoices,
  cleanup: Cleanup,
  work: (pod: Pod) => Promise<T>,
): Promise<T> {
  const pod = await startPod(endpoint, { ...pods, container: "none" });
  const forget = cleanup.add(() => stopPod(endpoint, pod));
  const found = await work(pod);
  await stopPod(endpoint, pod);
  forget();
  return found;
}

async function startContainer(
  { cri }: Endpoint,
  { image }: PodChoices,
  { sandboxId: podSandboxId, config: sandboxConfig }: Pod,
  name: string,
  command: string[],
): Promise<string> {
  const created = await cri.call(method.createContainer, {
    podSandboxId,
    sandboxConfig,
    config: { metadata: { name }, image: { image }, command, logPath: `${name}.log`, linux: {} },
  });
  const { containerId } = created.reply;
  await cri.call(method.startContainer, { containerId });
  return containerId;
}

async function measureBusy(
  endpoint: Endpoint,
  pods: PodChoices,
  pod: Pod,
  writers: number,
): Promise<Omit<BusyFigures, "engineAlone">> {
  const talkerId = await startContainer(endpoint, pods, pod, "talker", talker);
  const follow = followLag(join(pod.logDirectory, "talker.log"));
  const share = Math.round((megabytes * 1e6) / writers);
  const ends = await Promise.all(
    Array.from({ length: writers }, async (_, index) => {
      const name = `writer-${index}`;
      return await runToEnd(
        endpoint,
        await startContainer(endpoint, pods, pod, name, writer(share)),
      );
    }),
  );
  const lag = follow.end();
  await endpoint.cri.call(method.stopContainer, { containerId: talkerId, timeout: 0n });
  const last = Math.max(...ends.map(({ finished }) => finished));
  return {
    writers,
    megabytesPerSecond: rateOf(ends),
    behind: Math.max(...ends.map(({ told }) => told)) - last,
    lag: summarize(lag),
  };
}

/** What the same writers say where nobody reads their logs. */
async function measureEngine(
  docker: string,
  { image }: PodChoices,
  writers: number,
  cleanup: Cleanup,
): Promise<Record<string, number>> {
  const command = writer(Math.round((megabytes * 1e6) / writers));
  const rates: Record<string, number> = {};
  for (const driver of drivers) {
    console.error(`${writers} of the engine alone, ${driver.Type}`);
    rates[driver.Type] = rateOf(
      await runOnEngine(docker, { image, command, driver }, writers, cleanup),
    );
  }
  return rates;
}

/** MB a second from the first's start to the last's end. */
function rateOf(spells: readonly Spell[]): number {
  const last = Math.max(...spells.map(({ finished }) => finished));
  const first = Math.min(...spells.map(({ started }) => started));
  return megabytes / ((last - first) / 1_000);
}

/** When a container started and ended by the engine's clock, and when CRI told the end; ms. */
async function runToEnd({ cri }: Endpoint, containerId: string): Promise<Spell & { told: number }> {
  for (;;) {
    const { status } = (await cri.call(method.containerStatus, { containerId })).reply;
    if (status?.state === ContainerState.CONTAINER_EXITED) {
      const told = Date.now();
      return {
        started: Number(status.startedAt) / 1e6,
        finished: Number(status.finishedAt) / 1e6,
        told,
      };
    }
    await delay(20);
  }
}

/** Looks every few ms for new lines of a log; `end` gives what each was late, in ms. */
function followLag(path: string): { end(): number[] } {
  const fd = openSync(path, "r");
  const chunk = Buffer.alloc(64 * 1024);
  const late: number[] = [];
  let rest = "";
  const timer = setInterval(() => {
    const length = readSync(fd, chunk);
    const now = Date.now();
    const lines = (rest + chunk.toString("latin1", 0, length)).split("\n");
    rest = lines.pop() ?? "";
    for (const each of lines) {
      const said = Date.parse(each.slice(0, each.indexOf(" ")));
      late.push(Math.max(0, now - said));
    }
  }, lookMs);
  return {
    end() {
      clearInterval(timer);
      closeSync(fd);
      return late;
    },
  };
}

async function idleCpu(pid: number): Promise<number> {
  await delay(settleMs);
  const before = cpuSeconds(pid);
  await delay(quietSeconds * 1_000);
  return (100 * (cpuSeconds(pid) - before)) / quietSeconds;
}
