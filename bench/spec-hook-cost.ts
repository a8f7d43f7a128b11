// What the spec hook costs a container's start: the same container with a mount that has options of CRI 0.37, which
// need the hook, and without them, in turns.
//
//   npm run build && node bench/spec-hook-cost.ts [--containers 100]
//
// The lab is brought up before and stays (lab/README.md); Docker 23 or newer.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createCriClient } from "@dockershim/cri-client";
import { labConfig } from "../lab/config.ts";
import { labEnv } from "../lab/env.ts";
import { startOwnDaemon } from "./own-daemon.ts";
import { summarize } from "./summary.ts";

const { values } = parseArgs({ options: { containers: { type: "string", default: "100" } } });
const count = Number(values.containers);
const env = await labEnv(labConfig());
const daemon = await startOwnDaemon(env, { name: "hook-cost" });
const { runtime, close } = createCriClient({ endpoint: `unix://${daemon.socket}` });

const kinds = { without: [], with: ["noexec"] } as const;
const starts: Record<keyof typeof kinds, number[]> = { without: [], with: [] };
const creates: Record<keyof typeof kinds, number[]> = { without: [], with: [] };

const sandboxConfig = {
  metadata: { name: "hook-cost", namespace: "bench", uid: randomUUID(), attempt: 0 },
  logDirectory: join(env.LAB_RUN_DIR, "hook-cost-logs"),
  linux: {},
};
const { podSandboxId } = await runtime.runPodSandbox({ config: sandboxConfig });

async function one(kind: keyof typeof kinds, attempt: number): Promise<void> {
  const config = {
    metadata: { name: kind, attempt },
    image: { image: env.LAB_IMAGE },
    command: ["sleep", "3600"],
    mounts: [{ hostPath: "/tmp", containerPath: "/data", mountOptions: [...kinds[kind]] }],
    logPath: `${kind}-${attempt}.log`,
    linux: {},
  };
  const begin = performance.now();
  const { containerId } = await runtime.createContainer({ podSandboxId, sandboxConfig, config });
  const created = performance.now();
  await runtime.startContainer({ containerId });
  const started = performance.now();
  await runtime.removeContainer({ containerId });
  if (attempt === 0) return;
  creates[kind].push(created - begin);
  starts[kind].push(started - created);
}

try {
  for (let attempt = 0; attempt <= count; attempt++) {
    const order: readonly (keyof typeof kinds)[] =
      attempt % 2 === 0 ? ["with", "without"] : ["without", "with"];
    for (const kind of order) await one(kind, attempt);
  }
  console.log("| call | hook | n | mean, ms | p50 | p90 | p99 |");
  console.log("|---|---|---|---|---|---|---|");
  for (const [call, durations] of Object.entries({ create: creates, start: starts })) {
    for (const [kind, list] of Object.entries(durations)) {
      const { n, p50, p90, p99 } = summarize(list);
      const mean = list.reduce((sum, ms) => sum + ms, 0) / n;
      const figures = [mean, p50, p90, p99].map((ms) => ms.toFixed(1));
      console.log(`| ${[call, kind, n, ...figures].join(" | ")} |`);
    }
  }
  // One start of either kind is a pair that saw the same load.
  const pairs = starts.with.map((ms, index) => ms - (starts.without[index] ?? Number.NaN));
  console.log(`the hook, pair by pair: p50 ${summarize(pairs).p50.toFixed(1)} ms`);
} finally {
  await runtime.removePodSandbox({ podSandboxId });
  close();
  await daemon.stop();
}
