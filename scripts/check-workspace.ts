// Checks what the packages have in common, so that none is left out of a check: their manifests, and their
// places in the list of TypeScript projects.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Manifest, manifestProblems } from "./package-manifest.ts";

const root = join(import.meta.dirname, "..");

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), "utf8")) as T;
}

const folders = readdirSync(join(root, "packages"))
  .map((name) => `packages/${name}`)
  .filter((folder) => existsSync(join(root, folder, "package.json")));
const problems: string[] = [];

for (const folder of folders) {
  const manifest = readJson<Manifest>(`${folder}/package.json`);
  if (manifest.private === true) continue;
  for (const problem of manifestProblems(manifest, folder.slice("packages/".length))) {
    problems.push(`${folder}/package.json: ${problem}`);
  }
}

/** A package of plain TypeScript, without a build, is one project with its tests. */
function includesTests(folder: string): boolean {
  const { include = [] } = readJson<{ include?: string[] }>(`${folder}/tsconfig.json`);
  return include.includes(".");
}

const { references } = readJson<{ references: { path: string }[] }>("tsconfig.json");
const withTests = folders.filter((folder) => !includesTests(folder));
const projects = [...folders, ...withTests.map((folder) => `${folder}/test`)];
for (const project of [...projects, "lab", "bench", "conformance", "e2e", "scripts"]) {
  if (!existsSync(join(root, project, "tsconfig.json"))) {
    if (existsSync(join(root, project))) problems.push(`${project} has no tsconfig.json`);
  } else if (!references.some(({ path }) => path === project)) {
    problems.push(`tsconfig.json does not reference ${project}, so it is not type-checked`);
  }
}

for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
