/**
 * A node's work for half an hour: pods come and go, commands run, logs are rotated, statistics,
 * lists, statuses, events and metrics are read, and the engine is restarted among it. What the daemon
 * holds and how fast it answers must stay flat; a CSV, an SVG and a verdict tell.
 *
 *   npm run test:soak [-- --minutes 30] [--restart-seconds 300] [--seed 1] [--out FOLDER]
 *
 * It brings up a lab of its own. Exit code 0 when nothing has grown and nothing is left.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seeded } from "@dockershim/testing";
import { labConfig } from "../../../../../lab/config.ts";
import { freePort } from "../../../../../lab/ports.ts";
import { endEngine, restartEngine } from "../../../../../lab/restart.ts";
import { down, up } from "../../../../../lab/up-down.ts";
import { startSoak } from "../soak.ts";
import { createTally, takeSample } from "./figures.ts";
import { findGrowth } from "./flatness.ts";
import { drawSamples } from "./plot.ts";
import { type Sample, toCsv } from "./samples.ts";
import {
  type Churn,
  type ChurnPod,
  execStreaming,
  liveAndDie,
  readEvents,
  removePod,
  repeat,
  rotate,
  runPod,
} from "./workers.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    "restart-seconds": { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    out: { type: "string" },
  },
});
const minutes = Number(values.minutes);
const out = values.out ?? mkdtempSync(join(tmpdir(), "dockershim-soak-"));
const standing = 10;
const sampleMs = 10_000;
const random = seeded(Number(values.seed));
/** The engine is restarted so often on average; when, follows from the seed. */
const nextRestartMs = (): number =>
  Number(values["restart-seconds"]) * 1000 * (0.75 + random() / 2);

const config = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-soak` });
Object.assign(process.env, await up(config));
// From now on containers outlive the engine, which is what a node's engine is told to do.
await endEngine(config, "stopped");
await restartEngine(config, { liveRestore: true });
const port = await freePort("127.0.0.1");
const soak = await startSoak("soak", {
  flags: { "metrics-bind-addr": `127.0.0.1:${port}`, "log-level": "error" },
  onLine: (line) => console.error(`daemon: ${line}`),
  timeoutMs: 120_000,
});
const { cri, dir } = soak;
const tally = createTally();
const begin = performance.now();
const churn: Churn = { cri, dir, tally, over: () => performance.now() - begin > minutes * 60_000 };

const pods: ChurnPod[] = [];
for (let left = standing; left > 0; left--) pods.push(await runPod(churn));
let turn = 0;
const next = (): ChurnPod => pods[turn++ % pods.length] as ChurnPod;

const samples: Sample[] = [];
async function sample(): Promise<void> {
  samples.push(await takeSample(soak.daemon.pid, `http://127.0.0.1:${port}/metrics`, begin, tally));
}

let restartAt = nextRestartMs();
async function restartWhenDue(): Promise<void> {
  if (performance.now() - begin < restartAt) return;
  restartAt += nextRestartMs();
  // Every other one is killed.
  await endEngine(config, tally.restarts % 2 === 0 ? "stopped" : "killed");
  await restartEngine(config, { liveRestore: true });
  tally.restarts++;
}

const { runtime } = cri;
await Promise.all([
  repeat(churn, 0, () => liveAndDie(churn)),
  repeat(churn, 500, () => liveAndDie(churn)),
  repeat(churn, 1_000, () =>
    tally.time("lists", async () => {
      await runtime.listPodSandbox({});
      await runtime.listContainers({});
    }),
  ),
  repeat(churn, 1_000, () =>
    tally.time("engine", () => soak.docker.containers.list({ all: true })),
  ),
  repeat(churn, 500, () => {
    const { podSandboxId, containerId } = next();
    return tally.time("statuses", async () => {
      await runtime.podSandboxStatus({ podSandboxId });
      await runtime.containerStatus({ containerId });
    });
  }),
  repeat(churn, 5_000, () =>
    tally.time("stats", async () => {
      await runtime.listContainerStats({});
      await runtime.listPodSandboxStats({});
    }),
  ),
  repeat(churn, 2_000, () =>
    tally.time("execSync", () =>
      runtime.execSync({ containerId: next().containerId, cmd: ["true"], timeout: 30n }),
    ),
  ),
  repeat(churn, 3_000, () => execStreaming(churn, next())),
  repeat(churn, 15_000, () => rotate(churn, next())),
  repeat(churn, 0, () => readEvents(churn, { most: Number.POSITIVE_INFINITY, ms: 60_000 })),
  repeat(churn, 5_000, () => readEvents(churn, { most: 3, ms: 60_000 })),
  repeat(churn, sampleMs, sample),
  repeat(churn, 1_000, restartWhenDue),
]);

// As a kubelet does, also with what a call left that failed.
const listed = (await runtime.listPodSandbox({})).items;
const standingIds = new Set(pods.map(({ podSandboxId }) => podSandboxId));
const failed = listed.filter(({ id }) => !standingIds.has(id));
for (const { id } of listed) await removePod(churn, id);
const left = await soak.docker.containers.list({ all: true });
const growth = findGrowth(samples);
if (left.length > 0) {
  const names = left.map(({ Names, State }) => `${Names} (${State})`).join(", ");
  growth.push(`${left.length} containers are left: ${names}`);
}
await soak.close();
await down(config);

mkdirSync(out, { recursive: true });
writeFileSync(join(out, "soak.csv"), toCsv(samples));
writeFileSync(join(out, "soak.svg"), drawSamples(samples, `The daemon over ${minutes} minutes`));
console.log(
  `${minutes} minutes, ${tally.pods} pods, ${tally.restarts} restarts of the engine; failed calls:`,
  Object.fromEntries(tally.failures),
);
console.log(
  `sandboxes of calls that failed, which were listed and could be removed: ${failed.length}`,
);
console.log(`written to ${out}`);
console.log(growth.length === 0 ? "nothing has grown" : `FAILED: ${growth.join("; ")}`);
process.exitCode = growth.length === 0 ? 0 : 1;
