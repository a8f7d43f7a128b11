// The tests that a contributor runs: lint, types, packages, unit and integration tests.
// The last line counts them: "N passed, N failed". Arguments select parts by name; the fault, crash,
// model, fuzz and hostile tests and those with a browser or Kubernetes are run only when they are asked for. What tests need from outside is fetched before the first of them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clearNode, endNode } from "../e2e/node.ts";
import {
  clusterPrograms,
  conformancePrograms,
  type KubernetesProgram,
  kubernetesPrograms,
} from "../e2e/programs.ts";
import { labConfig } from "../lab/config.ts";
import { fetchAll } from "../lab/fetch.ts";
import { findGo } from "../lab/go-programs.ts";
import { nriPlugins } from "../lab/nri-plugins.ts";
import { down, up } from "../lab/up-down.ts";
import { hostArchitecture } from "../packaging/architecture.ts";
import { fetchRuntime } from "../packaging/executable.ts";
import { fetchNfpm } from "../packaging/system-package.ts";
import { type Count, countReport, reportFile } from "./unit-reports.ts";
import { workspacesOf } from "./workspaces.ts";

const results = mkdtempSync(join(tmpdir(), "dockershim-test-"));

function run(command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  const { status } = spawnSync(command, args, {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status === 0;
}

/**
 * A task of with-tools.sh without counted cases counts as one. turbo may know from its cache that it passed for
 * the very same files, and says so.
 */
function check(task: string): Count {
  return run("sh", ["scripts/with-tools.sh", task])
    ? { passed: 1, failed: 0 }
    : { passed: 0, failed: 1 };
}

/** The unit tests of all workspaces, which turbo runs and never has in its cache. */
function unitTests(): Count {
  const ok = run("sh", ["scripts/with-tools.sh", "test:unit"], { TEST_REPORTS: results });
  const total: Count = { passed: 0, failed: 0 };
  for (const { folder, manifest } of workspacesOf(".")) {
    if (manifest.scripts?.["test:unit"] === undefined) continue;
    const { passed, failed } = countReport(reportFile(results, folder), true);
    total.passed += passed;
    total.failed += failed;
  }
  if (!ok) total.failed ||= 1;
  return total;
}

function jest(config: string, env: Record<string, string> = {}): Count {
  const report = join(results, `${config}.json`);
  const flags = [
    ...["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"],
    `--import=${join(import.meta.dirname, "end-at-once.js")}`,
  ];
  const options = ["--config", config, "--json", "--outputFile", report];
  const ok = run(process.execPath, [...flags, "node_modules/jest/bin/jest.js", ...options], env);
  return countReport(report, ok);
}

/** Runs tests that need a real engine in a lab of their own; `cleanUp` comes before the lab goes. */
async function inLab(
  jestConfig: string,
  more: Record<string, string> = {},
  cleanUp: () => Promise<void> = async () => undefined,
): Promise<Count> {
  if (process.getuid?.() !== 0) {
    console.error("these tests need root, for a private Docker engine: not run, 1 failure");
    return { passed: 0, failed: 1 };
  }
  const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "test" });
  const env = await up(config).catch((error: Error) => console.error(`lab: ${error.message}`));
  if (env === undefined) return { passed: 0, failed: 1 };
  try {
    return jest(jestConfig, { ...env, ...more });
  } finally {
    await cleanUp();
    await down(config);
  }
}

/** Runs tests with a real kubelet, which is built before their time counts. */
async function withKubelet(): Promise<Count> {
  const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "test" });
  const { kubelet } = await kubernetesPrograms(config, ["kubelet"]);
  const folder = join(config.runDir, "kubelet-test");
  try {
    return await inLab("jest.kubelet.config.js", { KUBELET: kubelet, NODE_FOLDER: folder }, () =>
      endNode(folder),
    );
  } finally {
    await clearNode(folder);
  }
}

/** Runs tests on a cluster, which they bring up themselves; its programs are built before their time counts. */
async function onCluster(
  jestConfig: string,
  programs: readonly KubernetesProgram[] = clusterPrograms,
): Promise<Count> {
  const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "test" });
  await kubernetesPrograms(config, programs);
  return jest(jestConfig);
}

/** Runs tests with NRI plugins of others, which are built before their time counts. */
async function withNriPlugins(): Promise<Count> {
  const { memoryPolicy, nvidiaInstaller, stub } = await nriPlugins(labConfig());
  return await inLab("jest.nri.config.js", {
    NRI_MEMORY_POLICY: memoryPolicy,
    NRI_NVIDIA_INSTALLER: nvidiaInstaller,
    NRI_STUB: stub,
  });
}

/** A test's time limit is no place to download an engine or a Node in. What cannot be had fails the tests that need it. */
async function fetchForLabs(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  console.error("\n== fetching what tests are made of");
  await fetchAll().catch((error: Error) => console.error(`lab: ${error.message}`));
  const { cacheDir } = labConfig();
  const tools: Promise<unknown>[] = [fetchRuntime(hostArchitecture(), cacheDir)];
  if ((await findGo()) !== undefined) tools.push(fetchNfpm(cacheDir));
  for (const tool of await Promise.allSettled(tools)) {
    if (tool.status === "rejected") console.error(`packaging: ${tool.reason.message}`);
  }
}

const parts: Record<string, () => Count | Promise<Count>> = {
  lint: () => check("lint"),
  types: () => check("typecheck"),
  packages: () => check("check-packages"),
  unit: unitTests,
  integration: () => inLab("jest.integration.config.js"),
  crash: () => inLab("jest.crash.config.js"),
  model: () => inLab("jest.model.config.js"),
  fuzz: () => jest("jest.fuzz.config.js"),
  faults: () => inLab("jest.faults.config.js"),
  hostile: () => inLab("jest.hostile.config.js"),
  nri: withNriPlugins,
  browser: () => jest("jest.browser.config.js"),
  kubelet: () => withKubelet(),
  cluster: () =>
    onCluster(
      "jest.cluster.config.js",
      process.env.CLUSTER === "conformance" ? conformancePrograms : clusterPrograms,
    ),
  day: () => onCluster("jest.day.config.js", [...clusterPrograms, "agnhost"]),
};
const usual = ["lint", "types", "packages", "unit", "integration"];

const asked = process.argv.slice(2);
const chosen = asked.length > 0 ? asked : usual;
const total: Count = { passed: 0, failed: 0 };
if (chosen.some((name) => ["integration", "faults", "crash", "hostile", "model"].includes(name))) {
  await fetchForLabs();
}
for (const [name, part] of Object.entries(parts)) {
  if (!chosen.includes(name)) continue;
  console.error(`\n== ${name}`);
  const { passed, failed } = await part();
  total.passed += passed;
  total.failed += failed;
  if (failed > 0) console.error(`== ${name}: ${failed} failed`);
}
rmSync(results, { recursive: true });
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
