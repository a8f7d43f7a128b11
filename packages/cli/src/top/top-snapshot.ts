import { type CriClient, CriClientError } from "@dockershim/cri-client";
import {
  type Container,
  ContainerState,
  type CpuUsage,
  type IoUsage,
  type MemoryUsage,
  type NetworkUsage,
  PodSandboxState,
} from "@dockershim/cri-types";
import { readInfo } from "../runtime/verbose-info.js";
import { type CpuRates, createCpuRates } from "../stats/cpu-rates.js";

/** What a pod or container uses. What the runtime does not tell is undefined. */
export interface Use {
  /** Nanoseconds of CPU time in each second. */
  readonly cpu: number | undefined;
  /** Working set, in bytes. */
  readonly memory: bigint | undefined;
  /** Share of the memory limit, 0 to 1. */
  readonly ofLimit: number | undefined;
  /** The most of what CPU, memory and disk have had some wait for (PSI, 10 s), in percent. */
  readonly pressure: number | undefined;
}

export interface TopContainer extends Use {
  readonly id: string;
  readonly name: string;
  readonly state: ContainerState;
  readonly restarts: number;
}

export interface TopPod extends Use {
  readonly id: string;
  /** `namespace/name` */
  readonly name: string;
  readonly ready: boolean;
  /** Bytes in each second. */
  readonly received: number | undefined;
  readonly sent: number | undefined;
  readonly restarts: number;
  readonly containers: readonly TopContainer[];
}

/** How far the log files are behind; as dockershim's Status tells it. */
export interface LogLag {
  readonly containers: number;
  readonly seconds: number;
}

export interface TopSnapshot {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly pods: readonly TopPod[];
  readonly logLag: LogLag | undefined;
}

/** So many readings go by between two questions for the log lag: the answer costs a look at the engine. */
const lagEvery = 5;

/** Reads what runs, again and again, and remembers what it takes for rates. */
export function createTopReader(client: CriClient, now: () => number): () => Promise<TopSnapshot> {
  const rates = createCpuRates();
  const network = new Map<string, { received: bigint; sent: bigint; at: bigint }>();
  let logLag: LogLag | undefined;
  let readings = 0;

  function networkRates(id: string, usage: NetworkUsage | undefined) {
    const [received, sent] = [
      usage?.defaultInterface?.rxBytes?.value,
      usage?.defaultInterface?.txBytes?.value,
    ];
    if (usage === undefined || received === undefined || sent === undefined) return {};
    const at = usage.timestamp > 0n ? usage.timestamp : BigInt(now()) * 1_000_000n;
    const before = network.get(id);
    if (before === undefined || before.at !== at) network.set(id, { received, sent, at });
    if (before === undefined || at <= before.at || received < before.received) return {};
    const seconds = Number(at - before.at) / 1e9;
    return {
      received: Number(received - before.received) / seconds,
      sent: Number(sent - before.sent) / seconds,
    };
  }

  return async () => {
    const { runtime } = client;
    if (readings++ % lagEvery === 0) logLag = await readLogLag(client);
    const [sandboxes, { containers }, ofContainers, ofPods] = await Promise.all([
      runtime.listPodSandbox({}),
      runtime.listContainers({}),
      runtime.listContainerStats({}),
      runtime.listPodSandboxStats({}).catch(withoutPodStats),
    ]);
    const containerUse = new Map(
      ofContainers.stats.map((each) => [each.attributes?.id, useOf(rates, each)]),
    );
    const podStats = new Map(ofPods.stats.map((each) => [each.attributes?.id, each]));
    const pods = sandboxes.items.map(({ id, metadata, state }): TopPod => {
      const its = latest(containers.filter((each) => each.podSandboxId === id)).map((each) => ({
        ...(containerUse.get(each.id) ?? noUse),
        id: each.id,
        name: each.metadata?.name ?? "",
        state: each.state,
        restarts: each.metadata?.attempt ?? 0,
      }));
      const stats = podStats.get(id);
      const own = stats && useOf(rates, { attributes: stats.attributes, ...stats.linux });
      const { received, sent } = networkRates(id, stats?.linux?.network);
      return {
        ...(own ?? sumOf(its)),
        id,
        name: `${metadata?.namespace}/${metadata?.name}`,
        ready: state === PodSandboxState.SANDBOX_READY,
        received,
        sent,
        restarts: its.reduce((sum, { restarts }) => sum + restarts, 0),
        containers: its,
      };
    });
    return { at: now(), pods, logLag };
  };
}

/** Older runtimes have no stats of pods, or fail for all of them when one has no cgroup. */
function withoutPodStats(error: unknown): { stats: [] } {
  if (error instanceof CriClientError && error.reason === undefined) return { stats: [] };
  throw error;
}

async function readLogLag({ runtime }: CriClient): Promise<LogLag | undefined> {
  const { info } = await runtime.status({ verbose: true });
  const { logLag } = (readInfo(info).info ?? {}) as { logLag?: LogLag };
  return logLag;
}

/** Of the containers that a pod has had by one name, the newest. */
function latest(containers: readonly Container[]): Container[] {
  const newest = new Map<string, Container>();
  for (const each of containers) {
    const name = each.metadata?.name ?? "";
    const other = newest.get(name);
    if (other === undefined || each.createdAt > other.createdAt) newest.set(name, each);
  }
  return [...newest.values()];
}

const noUse: Use = { cpu: undefined, memory: undefined, ofLimit: undefined, pressure: undefined };

interface Stats {
  readonly attributes?: { readonly id: string } | undefined;
  readonly cpu?: CpuUsage | undefined;
  readonly memory?: MemoryUsage | undefined;
  readonly io?: IoUsage | undefined;
}

function useOf(rates: CpuRates, { attributes, cpu, memory, io }: Stats): Use {
  const [used, left] = [memory?.workingSetBytes?.value, memory?.availableBytes?.value];
  const pressures = [cpu?.psi, memory?.psi, io?.psi].flatMap((psi) =>
    psi?.Some === undefined ? [] : [psi.Some.Avg10],
  );
  return {
    cpu: rates.rate(attributes?.id ?? "", cpu),
    memory: used,
    ofLimit:
      used === undefined || left === undefined || left === 0n
        ? undefined
        : Number(used) / Number(used + left),
    pressure: pressures.length === 0 ? undefined : Math.max(...pressures),
  };
}

function sumOf(uses: readonly Use[]): Use {
  const known = <Value>(values: readonly (Value | undefined)[]): Value[] =>
    values.filter((each) => each !== undefined);
  const cpu = known(uses.map((each) => each.cpu));
  const memory = known(uses.map((each) => each.memory));
  return {
    ...noUse,
    cpu: cpu.length === 0 ? undefined : cpu.reduce((sum, each) => sum + each, 0),
    memory: memory.length === 0 ? undefined : memory.reduce((sum, each) => sum + each, 0n),
  };
}

/** Whether a container is one that `exec` and `kill` are for. */
export function isRunning({ state }: TopContainer): boolean {
  return state === ContainerState.CONTAINER_RUNNING;
}
