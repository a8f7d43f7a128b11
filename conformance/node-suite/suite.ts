import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type FeatureGates, formatFeatureGates } from "../../e2e/feature-gates.ts";
import { installKubelet } from "../../e2e/kubelet-program.ts";
import type { nodeSuitePrograms } from "../../e2e/programs.ts";
import { ConformanceError } from "../conformance-error.ts";
import { pidFileIn } from "../daemon.ts";
import { readLog } from "../ginkgo-log.ts";
import { readReport } from "../ginkgo-report.ts";
import type { Outcome } from "../outcome.ts";
import { endServices, serviceEnv } from "./services.ts";
import { systemSpec } from "./system-spec.ts";

/** What to run the suite with. */
export interface SuiteOptions {
  readonly programs: Readonly<Record<(typeof nodeSuitePrograms)[number], string>>;
  /** The runtime, as `unix:///path`. */
  readonly endpoint: string;
  /** An address of this machine that is not loopback: the node's. */
  readonly address: string;
  /** Where its output and report go. */
  readonly folder: string;
  /** Regular expressions; a spec runs that matches one of them. */
  readonly focus: readonly string[];
  /** Regular expressions of specs that are left out. */
  readonly skip: readonly string[];
  /** How many specs run at a time. */
  readonly jobs: number;
  /** How often a spec runs that fails. */
  readonly attempts: number;
  /** Of Kubernetes' programs, those that are on or off other than by default. */
  readonly featureGates: FeatureGates;
  /** Hears of all outcomes so far, twice a minute. */
  soFar(outcomes: readonly Outcome[]): void;
}

/** The kubelet's configuration; the suite writes into it what it needs itself. */
const kubeletConfig = {
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  cgroupRoot: "/",
  failCgroupV1: false,
  failSwapOn: false,
  // The firewall is the machine's own.
  makeIPTablesUtilChains: false,
  serializeImagePulls: false,
  volumeStatsAggPeriod: "10s",
  fileCheckFrequency: "10s",
  podCIDR: "10.100.0.0/24",
  evictionPressureTransitionPeriod: "30s",
  // The disk is everybody's on this machine.
  evictionHard: { "memory.available": "100Mi", "nodefs.available": "1%" },
};

/** As users are told to have it; without it a kubelet has no figures of Docker's containers. */
const usualGates: FeatureGates = { PodAndContainerStatsFromCRI: true };

/** The suite's flags for gates: those that it is told replace the ones in the kubelet's configuration. */
function gateFlags(chosen: FeatureGates): string[] {
  if (Object.keys(chosen).length === 0) return [];
  return [
    `--feature-gates=${formatFeatureGates({ ...usualGates, ...chosen })}`,
    `--service-feature-gates=${formatFeatureGates(chosen)}`,
  ];
}

/** A suite that takes longer hangs: all specs take half an hour on two idle processors. */
const timeout = "3h";

function cgroupControllers(): string {
  const file = "/sys/fs/cgroup/cgroup.controllers";
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

/** Runs the suite to its end. Failing specs are outcomes; only a run that never got to its report throws. */
export async function runNodeSuite(options: SuiteOptions): Promise<Outcome[]> {
  const { programs, folder } = options;
  const report = join(folder, "node-suite.json");
  const log = join(folder, "node-suite.log");
  const work = join(folder, "work");
  for (const path of [report, work]) rmSync(path, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const config = join(work, "kubelet-base.json");
  writeFileSync(config, JSON.stringify({ ...kubeletConfig, featureGates: usualGates }));
  // It runs where its program is, looks for the kubelet there, and leaves its files there.
  symlinkSync(programs["e2e_node.test"], join(work, "e2e_node.test"));
  installKubelet(programs.kubelet, join(work, "kubelet"));
  const output = openSync(log, "w");
  const spec = systemSpec(cgroupControllers());
  const specFile = join(work, "system-spec.json");
  if (spec !== undefined) writeFileSync(specFile, JSON.stringify(spec));
  const child = spawn(
    programs.ginkgo,
    [
      "--no-color",
      // Each spec is named in the log when it ends, so that a run that is cut off still has its verdicts.
      "-v",
      `--nodes=${options.jobs}`,
      `--flake-attempts=${options.attempts}`,
      // Specs run in random order; a fixed one makes two runs comparable.
      "--seed=1",
      `--timeout=${timeout}`,
      ...options.focus.map((pattern) => `--focus=${pattern}`),
      ...options.skip.map((pattern) => `--skip=${pattern}`),
      `--output-dir=${folder}`,
      "--json-report=node-suite.json",
      join(work, "e2e_node.test"),
      "--",
      `--container-runtime-endpoint=${options.endpoint}`,
      // By it specs find the process to kill, and the unit of systemd to stop.
      `--container-runtime-pid-file=${pidFileIn(folder)}`,
      `--kubelet-config-file=${config}`,
      "--prepull-images=false",
      "--node-name=node1",
      `--report-dir=${join(folder, "reports")}`,
      ...gateFlags(options.featureGates),
      ...(spec === undefined ? [] : [`--system-spec-file=${specFile}`]),
      // It would move itself and every other process of this machine into cgroups that stay.
      `--kubelet-flags=--node-ip=${options.address} --kubelet-cgroups= --system-cgroups=`,
    ],
    {
      cwd: work,
      env: { ...process.env, ...serviceEnv(work) },
      stdio: ["ignore", output, output],
    },
  );
  const soFar = (): Outcome[] => readLog(readFileSync(log, "utf8"));
  const timer = setInterval(() => options.soFar(soFar()), 30_000);
  const [code] = await once(child, "close");
  clearInterval(timer);
  closeSync(output);
  await endServices(work);
  if (existsSync(report)) return readReport(readFileSync(report, "utf8"));
  const outcomes = soFar();
  if (outcomes.length === 0) {
    throw new ConformanceError(`the suite ended with ${code}, without a report; see ${log}`);
  }
  const reason = `ended with ${code} before its report`;
  return [...outcomes, { name: "[suite]", state: "failed", reason, seconds: 0 }];
}
