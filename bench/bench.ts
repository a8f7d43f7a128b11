import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labConfig } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import { readState } from "../lab/state.ts";
import { down, status, up } from "../lab/up-down.ts";
import { type BenchArguments, readArguments, usage } from "./arguments.ts";
import { measureBehindOurBack } from "./behind-our-back.ts";
import { type ByHand, createByHand } from "./by-hand.ts";
import { type Cleanup, createCleanup, Interrupted } from "./cleanup.ts";
import { measureClientCost } from "./client-cost.ts";
import { compare } from "./compare.ts";
import { type Endpoint, openEndpoint } from "./endpoint.ts";
import { measureLifecycle } from "./lifecycle.ts";
import { measureLogs } from "./logs.ts";
import { describeMachine } from "./machine.ts";
import { nightly } from "./nightly.ts";
import { type OwnDaemon, startOwnDaemon } from "./own-daemon.ts";
import { type PeerLab, startContainerd, startCriDockerd } from "./peers.ts";
import {
  createPopulation,
  findPauseImage,
  type PodChoices,
  removeLeftovers,
  run,
  tryPod,
} from "./pods.ts";
import { drawGrowth } from "./report-svg.ts";
import { formatComparison, formatLifecycles, formatRow, formatTable } from "./report-table.ts";
import { measureRestart, type RestartTimes } from "./restart.ts";
import { findGrowth, soak } from "./soak.ts";
import { summarize } from "./summary.ts";

/** What is measured, and what is known of it when the benchmark has started it itself. */
interface Subject {
  readonly endpoints: readonly Endpoint[];
  readonly image: string;
  readonly docker: string | undefined;
  readonly own?: { readonly env: LabEnv; daemon: OwnDaemon };
}

const daemonName = "bench";

async function openSubject(args: BenchArguments, cleanup: Cleanup): Promise<Subject> {
  if (args.endpoints.length > 0) {
    const endpoints: Endpoint[] = [];
    for (const address of args.endpoints) endpoints.push(await openEndpoint(address));
    cleanup.add(() => {
      for (const { cri } of endpoints) cri.close();
    });
    return { endpoints, image: args.image ?? "", docker: args.docker };
  }
  const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "bench" });
  // A lab that somebody has up already stays up.
  if (!(await status(config)).up) cleanup.add(() => down(config));
  const env = await up(config);
  const daemon = await startOwnDaemon(env, { name: daemonName, nodeArgs: args.nodeArgs });
  const own = { env, daemon };
  cleanup.add(() => removeLeftovers(config.dockerSocket));
  cleanup.add(async () => {
    await own.daemon.stop();
    rmSync(join(env.LAB_RUN_DIR, daemonName), { recursive: true, force: true });
  });
  const opened = await openEndpoint({
    name: "dockershim",
    socket: daemon.socket,
    pid: daemon.pid,
    enginePid: readState(config).engine?.pid,
  });
  cleanup.add(() => opened.cri.close());
  const endpoint: Endpoint = { ...opened, loopDelay: daemon.loopDelay };
  const docker = config.dockerSocket;
  const image = args.image ?? env.LAB_IMAGE;
  const endpoints = [endpoint];
  if (args.peers) {
    const lab = { config, env, image, enginePid: endpoint.enginePid };
    endpoints.push(...(await openPeers(args, lab, endpoint, cleanup)));
  }
  return { endpoints, image, docker, own };
}

/** What else is measured, in turns with the daemon. */
async function openPeers(
  args: BenchArguments,
  lab: Omit<PeerLab, "pauseImage">,
  own: Endpoint,
  cleanup: Cleanup,
): Promise<Endpoint[]> {
  const peerLab = { ...lab, pauseImage: await findPauseImage(own, lab.config.dockerSocket) };
  const addresses = [await startContainerd(peerLab, cleanup)];
  if (args.criDockerd !== undefined) {
    addresses.push(await startCriDockerd(args.criDockerd, peerLab, cleanup));
  }
  const peers: Endpoint[] = [];
  for (const address of addresses) {
    const peer = await openEndpoint(address);
    cleanup.add(() => peer.cri.close());
    const problem = await tryPod(peer, lab.image);
    if (problem === undefined) peers.push(peer);
    else console.log(`${peer.name} makes no pods here and is left out: ${problem}\n`);
  }
  return peers;
}

type Results = Record<string, unknown>;

async function runCompare(
  args: BenchArguments,
  subject: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  const cost = await measureClientCost(args.calls, 55_000);
  console.log("The benchmark's own cost (Node's HTTP/2 at both ends, no runtime), ms:");
  console.log(`  a short reply ${formatRow(cost.small)}; 55 kB ${formatRow(cost.list)}\n`);
  const results = await compare(subject.endpoints, args, pods, cleanup);
  process.stdout.write(formatComparison(results));
  return { clientCost: cost, endpoints: results };
}

async function runSoak(
  args: BenchArguments,
  { endpoints, own }: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  const endpoint = endpoints[0] as Endpoint;
  const size = args.pods.at(-1) ?? 100;
  console.error(`making ${size} pods`);
  const population = createPopulation(endpoint, pods, cleanup);
  await population.grow(size);
  console.log(`${args.speed} times a kubelet's polling, ${size} pods, ${args.minutes} minutes`);
  console.log("     s   RSS MB  heap MB   fds  zombies    calls   probes");
  const taken = await soak(endpoint, own?.daemon, population.pods, args, cleanup, (sample) => {
    const heap = sample.heapMb?.toFixed(1) ?? "–";
    console.log(
      String(sample.seconds).padStart(6),
      sample.rssMb.toFixed(1).padStart(8),
      heap.padStart(8),
      String(sample.fds).padStart(5),
      String(sample.zombies).padStart(8),
      String(sample.calls).padStart(8),
      String(sample.probes).padStart(8),
    );
  });
  const growth = findGrowth(taken, args);
  console.log(growth.length === 0 ? "nothing keeps growing" : `FAILED: ${growth.join("; ")}`);
  if (growth.length > 0) process.exitCode = 1;
  await population.empty();
  return { pods: size, samples: taken, growth };
}

async function runRestart(
  args: BenchArguments,
  { endpoints, own }: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  if (own === undefined) throw new Error("restart: only for a daemon that the benchmark starts");
  const size = args.pods.at(-1) ?? 250;
  const what = args.executable === undefined ? "the checkout's daemon" : args.executable;
  const containers = pods.container === "none" ? 0 : size;
  console.error(`making ${size} pods`);
  const population = createPopulation(endpoints[0] as Endpoint, pods, cleanup);
  await population.grow(size);
  const times: RestartTimes[] = [];
  const { nodeArgs, executable } = args;
  const choices = { name: daemonName, nodeArgs, executable };
  for (let round = 0; round < args.rounds; round++) {
    const expected = { sandboxes: size, containers };
    const next = await measureRestart(own.daemon, own.env, choices, expected, cleanup);
    own.daemon = next.daemon;
    times.push(next.times);
  }
  await population.empty();
  const found = {
    serving: summarize(times.map(({ serving }) => serving)),
    complete: summarize(times.map(({ complete }) => complete)),
    cpu: summarize(times.map(({ cpu }) => cpu)),
  };
  console.log(`${what}: restart with ${size} pods (${pods.container} containers), ms from spawn`);
  console.log(`  socket answers  ${formatRow(found.serving)}`);
  console.log(`  lists complete  ${formatRow(found.complete)}`);
  console.log(`  CPU until then  ${formatRow(found.cpu)}`);
  return { pods: size, container: pods.container, ...found };
}

async function runBehind(
  args: BenchArguments,
  { endpoints, docker }: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  if (docker === undefined) throw new Error("behind: --docker is missing, the engine's socket");
  const endpoint = endpoints[0] as Endpoint;
  const found = await measureBehindOurBack(endpoint, docker, pods, args.rounds, cleanup);
  console.log("ms from the engine's reply until CRI tells it, p50 / p90 / p99");
  const rows = Object.entries(found).map(([name, row]) => [name, formatRow(row)]);
  process.stdout.write(formatTable(["behind our back", endpoint.name], rows));
  return found as Results;
}

/** The maker by hand that a subject's own pods are held against. */
async function openByHand(
  args: BenchArguments,
  { endpoints, docker, own }: Subject,
  choices: PodChoices,
  cleanup: Cleanup,
): Promise<ByHand> {
  if (docker === undefined) {
    throw new Error(`${args.verb}: --docker is missing, the engine's socket`);
  }
  const node = {
    docker,
    cniConfDir: own?.env.LAB_CNI_CONF_DIR ?? args.cniConfDir,
    cniBinDir: own?.env.LAB_CNI_BIN_DIR ?? args.cniBinDir,
  };
  cleanup.add(() => removeLeftovers(docker));
  return await createByHand(endpoints[0] as Endpoint, node, choices, run);
}

async function runLifecycle(
  args: BenchArguments,
  subject: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  const choices: PodChoices = { ...pods, hostNetwork: false, container: "running" };
  const byHand = await openByHand(args, subject, choices, cleanup);
  const found = await measureLifecycle(subject.endpoints, byHand, choices, args, cleanup);
  process.stdout.write(formatLifecycles(found, args.atOnce));
  return { lifecycles: found, atOnce: args.atOnce };
}

async function runNightly(
  args: BenchArguments,
  subject: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  if (subject.own === undefined) {
    throw new Error("nightly: only for a daemon that the benchmark starts");
  }
  const endpoint = subject.endpoints[0] as Endpoint;
  const choices: PodChoices = { ...pods, hostNetwork: false, container: "running" };
  const byHand = await openByHand(args, subject, choices, cleanup);
  const population = createPopulation(endpoint, pods, cleanup);
  const size = args.pods[0] ?? 10;
  console.error(`making ${size} pods`);
  await population.grow(size);
  const results = await nightly(
    { endpoint, byHand, pods: population.pods, choices },
    args,
    cleanup,
  );
  await population.empty();
  return { pods: size, ...results };
}

async function runLogs(
  args: BenchArguments,
  { endpoints, docker }: Subject,
  pods: PodChoices,
  cleanup: Cleanup,
): Promise<Results> {
  const endpoint = endpoints[0] as Endpoint;
  const found = await measureLogs(endpoint, docker, pods, args.pods.at(-1) ?? 100, cleanup);
  const alone = (rates: Readonly<Record<string, number>> | undefined, driver: string) =>
    rates?.[driver]?.toFixed(1) ?? "–";
  const rows = found.busy.map((each) => [
    `${each.writers} as fast as they can`,
    each.megabytesPerSecond.toFixed(1),
    alone(each.engineAlone, "json-file"),
    alone(each.engineAlone, "local"),
    each.behind.toFixed(0),
    formatRow(each.lag),
  ]);
  const columns = [
    "MB/s",
    "engine, json-file",
    "engine, local",
    "behind, ms",
    "another's line, ms",
  ];
  process.stdout.write(formatTable(["writers", ...columns], rows));
  const { containers, cpu } = found.quiet;
  console.log(`${containers} quiet containers: CPU ${cpu?.toFixed(2) ?? "–"} %`);
  return { ...found };
}

const runs = {
  compare: runCompare,
  lifecycle: runLifecycle,
  nightly: runNightly,
  soak: runSoak,
  restart: runRestart,
  behind: runBehind,
  logs: runLogs,
};

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args === "help") return void process.stdout.write(usage);
  const cleanup = createCleanup();
  try {
    const logRoot = mkdtempSync(join(tmpdir(), "dockershim-bench-logs-"));
    cleanup.add(() => rmSync(logRoot, { recursive: true, force: true }));
    const machine = describeMachine();
    const subject = await openSubject(args, cleanup);
    const { container } = args;
    const pods: PodChoices = { image: subject.image, hostNetwork: true, container, logRoot };
    const results = await runs[args.verb](args, subject, pods, cleanup);
    const out = args.out ?? mkdtempSync(join(tmpdir(), "dockershim-bench-"));
    mkdirSync(out, { recursive: true });
    const date = new Date().toISOString();
    const report = { benchmark: args.verb, date, machine, ...results };
    writeFileSync(join(out, "result.json"), `${JSON.stringify(report, null, 2)}\n`);
    if (args.verb === "compare") {
      writeFileSync(join(out, "growth.svg"), drawGrowth(results.endpoints as never));
    }
    console.log(`\nwritten to ${out}`);
  } finally {
    await cleanup.run();
  }
}

try {
  await main();
} catch (err) {
  console.error(`bench: ${err instanceof Error ? err.message : err}`);
  process.exitCode = err instanceof Interrupted ? 130 : 1;
}
