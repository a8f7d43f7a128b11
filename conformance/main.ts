// Runs CRI's conformance tests (critest) and crictl, or Kubernetes' tests of a node, against the daemon on lab
// engines.
// The last line counts: "N passed, N failed".
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseFeatureGates } from "../e2e/feature-gates.ts";
import { engines, type LabConfig, labConfig } from "../lab/config.ts";
import { LabError } from "../lab/lab-error.ts";
import { withLock } from "../lab/lock.ts";
import { down, up } from "../lab/up-down.ts";
import { ConformanceError } from "./conformance-error.ts";
import { buildCriTools } from "./cri-tools.ts";
import { runCrictl } from "./crictl.ts";
import { runCritest } from "./critest.ts";
import { nriSocketIn, startTestedDaemon } from "./daemon.ts";
import { conformanceInNode } from "./in-node.ts";
import type { Judge } from "./judge.ts";
import { readKnownFailures } from "./known-failures.ts";
import { nodeSuiteJudge } from "./node-suite/judge.ts";
import type { Outcome } from "./outcome.ts";
import { formatReport } from "./report.ts";
import { judge, type Verdict } from "./verdict.ts";

const usage = `usage: npm run conformance -- [--kubelet [--slice] [--jobs N] [--attempts N]] [--all] [--focus REGEX] [--list] [--keep] [--vm]

  --kubelet       Kubernetes' tests of a node ([NodeConformance]) by a kubelet of its own, instead of critest and
                  crictl; the first time builds them, which takes a quarter of an hour
  --slice         of those the ones that reach the runtime most
  --jobs N        of those N at a time (default 4)
  --attempts N    a spec that fails runs again, N times in all; which passed so is told (default 1)
  --all           on Docker 20.10, 26.1, 28.5 and 29.8, one after the other, instead of the one that DOCKER names
  --focus REGEX   only the specs that match, and no crictl; with --kubelet of all that the suite has
  --list          list passed specs too
  --keep          leave the lab up
  --vm            in the node of lab/node, with systemd and cgroup v2, which stays up; LAB names it

  DOCKER=20|26|28|29      the engine (default 28, or 20 where 28 cannot be had)
  LAB=name                the lab to use (default "conformance")
  FEATURE_GATES=A=true,B=false  with --kubelet, features of Kubernetes that are on or off, other than by default
  CRI_TOOLS_SOURCE=folder a checkout of cri-tools to build instead of the pinned version
  RESULTS=folder          where reports go (default conformance/results)
`;

interface Choices {
  readonly list: boolean;
  readonly keep: boolean;
  readonly results: string;
}

/** critest, and without a focus crictl. */
async function criJudge(focus: string | undefined): Promise<Judge> {
  const tools = await buildCriTools(process.env.CRI_TOOLS_SOURCE || undefined);
  return {
    title: `cri-tools ${tools.version}`,
    suffix: "",
    lock: "critest",
    knownFailures: readKnownFailures(join(import.meta.dirname, "known-failures.json")),
    async run(_config, lab, { endpoint, folder }) {
      const outcomes = await runCritest({
        program: tools.critest,
        endpoint,
        nriSocket: nriSocketIn(folder),
        folder,
        focus,
      });
      if (focus === undefined) {
        const images = { image: lab.LAB_IMAGE, pullImage: lab.LAB_REGISTRY_IMAGE };
        outcomes.push(...(await runCrictl({ program: tools.crictl, endpoint, folder, ...images })));
      }
      return outcomes;
    },
  };
}

/** Where a run's report goes, without what its files end in. */
function reportFile(
  { engine, imageStore }: LabConfig,
  { suffix }: Judge,
  choices: Choices,
): string {
  const store = imageStore === undefined ? "" : `-${imageStore}`;
  return join(choices.results, `docker${engine}${store}${suffix}`);
}

function writeReport(base: string, title: string, verdict: Verdict): void {
  mkdirSync(dirname(base), { recursive: true });
  writeFileSync(`${base}.json`, `${JSON.stringify({ title, ...verdict }, undefined, 2)}\n`);
  writeFileSync(`${base}.txt`, `${formatReport(title, verdict, true)}\n`);
}

async function runOn(config: LabConfig, judging: Judge, choices: Choices): Promise<Verdict> {
  const env = await up(config);
  try {
    const folder = join(config.runDir, "conformance");
    rmSync(folder, { recursive: true, force: true });
    const daemon = await startTestedDaemon(env, folder);
    const title = `Docker ${env.LAB_DOCKER_VERSION}, ${judging.title}`;
    const report = (outcomes: readonly Outcome[], state = ""): Verdict => {
      const verdict = judge(outcomes, judging.knownFailures, config.engine);
      writeReport(reportFile(config, judging, choices), `${title}${state}`, verdict);
      return verdict;
    };
    let verdict: Verdict;
    try {
      const soFar = (outcomes: readonly Outcome[]): unknown => report(outcomes, ", so far");
      verdict = report(
        await judging.run(config, env, { endpoint: daemon.endpoint, folder, soFar }),
      );
    } finally {
      await daemon.stop();
    }
    console.log(`${formatReport(title, verdict, choices.list)}\n`);
    return verdict;
  } finally {
    if (!choices.keep) await down(config);
  }
}

function configOf(engine: string): LabConfig {
  const lab = { LAB: process.env.LAB || "conformance", LAB_LOOKALIKES: "1" };
  return labConfig({ ...process.env, ...lab, DOCKER: engine });
}

/** Docker 28 does most of what the specs ask; it cannot be had where Debian's sid cannot be reached. */
async function preferredEngine(): Promise<string> {
  try {
    await up(configOf("28"));
    return "28";
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    console.error(`conformance: taking Docker 20.10, for want of 28: ${error.message}`);
    await down(configOf("28"));
    return "20";
  }
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) {
    throw new ConformanceError(`${option} ${text}: a number from 1`);
  }
  return count;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      all: { type: "boolean", default: false },
      focus: { type: "string" },
      kubelet: { type: "boolean", default: false },
      slice: { type: "boolean", default: false },
      jobs: { type: "string", default: "4" },
      attempts: { type: "string", default: "1" },
      list: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      vm: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const { focus, slice } = values;
  const results = resolve(process.env.RESULTS || join(import.meta.dirname, "results"));
  if (values.vm) {
    const args = process.argv.slice(2).filter((arg) => arg !== "--vm");
    return conformanceInNode({ kubelet: values.kubelet, args, results });
  }
  const judging = values.kubelet
    ? await nodeSuiteJudge({
        focus,
        slice,
        jobs: readCount("--jobs", values.jobs),
        attempts: readCount("--attempts", values.attempts),
        featureGates: parseFeatureGates(process.env.FEATURE_GATES ?? ""),
      })
    : await criJudge(focus);
  const choices: Choices = {
    list: values.list,
    keep: values.keep,
    results,
  };
  const chosen = values.all ? engines : [process.env.DOCKER || (await preferredEngine())];
  const total = { passed: 0, failed: 0 };
  for (const engine of chosen) {
    const config = configOf(engine);
    const { passed, failed } = await withLock(judging.lock, () => runOn(config, judging, choices));
    total.passed += passed;
    total.failed += failed;
  }
  console.log(`${total.passed} passed, ${total.failed} failed`);
  return total.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ConformanceError || error instanceof LabError)) throw error;
  console.error(`conformance: ${error.message}`);
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
}
