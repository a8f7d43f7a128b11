import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster } from "./up-down.ts";

/** Conformance specs that reach the runtime and need no cloud, by their names: 81 of Kubernetes 1.37. */
const specs: readonly string[] = [
  // Processes: what they are started with, how they end, and what is told of it.
  String.raw`\] Containers should `,
  String.raw`\] Container Runtime blackbox test `,
  String.raw`\] InitContainer `,
  String.raw`\] Ephemeral Containers `,
  String.raw`\] Container Lifecycle Hook `,
  String.raw`\] PreStop `,
  String.raw`\] Probing container `,
  String.raw`\] Variable Expansion `,
  String.raw`\] Downward API should `,
  String.raw`\[sig-node\] (Secrets|ConfigMap) should be consumable (from pods in env vars|via environment variable) `,
  // Pods, logs, exec.
  String.raw`\[sig-node\] Pods should `,
  String.raw`\] Kubelet when scheduling `,
  // Namespaces, rights.
  String.raw`\] Security Context `,
  String.raw`\] Sysctls `,
  String.raw`\] KubeletManagedEtcHosts `,
  String.raw`\] RuntimeClass should schedule .* without PodOverhead `,
  // Mounts.
  String.raw`\] EmptyDir volumes (should support \((root,0644,default|non-root,0777,tmpfs)\)|pod should support shared volumes) `,
  String.raw`\] Projected combined `,
  String.raw`\[sig-storage\] Secrets should be consumable from pods in volume \[`,
  String.raw`\[sig-storage\] ConfigMap updates should be reflected in volume \[`,
  String.raw`\] Subpath Atomic writer volumes `,
];

/** How a run of Kubernetes' conformance specs went. */
export interface ConformanceRun {
  readonly passed: number;
  /** Those that passed when they were tried again only. */
  readonly flaked: readonly FlakedSpec[];
  /** Name and reason of each that failed. */
  readonly failed: readonly string[];
}

export interface FlakedSpec {
  /** Name, and the first try's failure. */
  readonly line: string;
  /** What it said meanwhile, with the events of its namespace. */
  readonly output: string;
}

export interface ConformanceOptions {
  readonly programs: Readonly<Record<"ginkgo" | "e2e.test", string>>;
  readonly cluster: Cluster;
  /** Where the log and the report go. */
  readonly folder: string;
  /** How often a spec is tried. */
  readonly attempts: number;
  /** Ends the run at once when it is aborted. */
  readonly signal: AbortSignal;
}

/** The part of Ginkgo's report that is read here. */
interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly State: string;
  readonly NumAttempts: number;
  readonly Failure?: { readonly Message?: string };
  readonly CapturedGinkgoWriterOutput?: string;
  /** Of earlier tries. */
  readonly AdditionalFailures?: readonly { readonly Failure: { readonly Message: string } }[];
}

/**
 * Runs conformance specs of Kubernetes on a cluster, six at a time: most of them wait.
 *
 * @throws The reason of the abort.
 */
export async function runConformance(options: ConformanceOptions): Promise<ConformanceRun> {
  const { programs, cluster, folder, attempts, signal } = options;
  signal.throwIfAborted();
  mkdirSync(folder, { recursive: true });
  const log = openSync(join(folder, "conformance.log"), "w");
  const child = spawn(
    programs.ginkgo,
    [
      ...["--no-color", "--nodes=6", "--seed=1", "--timeout=1h", `--flake-attempts=${attempts}`],
      ...specs.map((pattern) => `--focus=${pattern}`),
      "--label-filter=Conformance && !Slow && !Serial",
      ...[`--output-dir=${folder}`, "--json-report=conformance.json"],
      ...[programs["e2e.test"], "--", `--kubeconfig=${cluster.kubeconfig}`, "--provider=skeleton"],
      // A cluster of ours has no pods of its own.
      ...["--minStartupPods=0", "--allowed-not-ready-nodes=0"],
      ...[`--kubectl-path=${cluster.kubectl}`, "--dump-logs-on-failure=true"],
    ],
    // In a group of its own, with the processes that run the specs.
    { cwd: folder, stdio: ["ignore", log, log], detached: true },
  );
  // Told to end, they would first take down what they made, for which there may be no daemon.
  const end = (): boolean => child.pid !== undefined && process.kill(-child.pid, "SIGKILL");
  signal.addEventListener("abort", end);
  try {
    await once(child, "close");
  } finally {
    signal.removeEventListener("abort", end);
    closeSync(log);
  }
  signal.throwIfAborted();
  return readRun(readFileSync(join(folder, "conformance.json"), "utf8"));
}

function readRun(text: string): ConformanceRun {
  const [suite] = JSON.parse(text) as readonly { readonly SpecReports: readonly SpecReport[] }[];
  const run = { passed: 0, flaked: [] as FlakedSpec[], failed: [] as string[] };
  for (const spec of suite?.SpecReports ?? []) {
    const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(" ");
    if (spec.State === "skipped") continue;
    if (spec.State !== "passed") {
      run.failed.push(`${name || spec.LeafNodeType}: ${spec.Failure?.Message ?? spec.State}`);
    } else if (spec.LeafNodeType === "It") {
      run.passed++;
      const [first] = spec.AdditionalFailures ?? [];
      if (first === undefined) continue;
      const output = spec.CapturedGinkgoWriterOutput ?? "";
      run.flaked.push({ line: `${name}: ${first.Failure.Message}`, output });
    }
  }
  return run;
}
