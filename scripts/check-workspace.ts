// Checks what the workspaces have in common, so that none is left out of a check, and none is taken from turbo's
// cache for another's files.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow } from "./package-files.ts";
import { manifestProblems } from "./package-manifest.ts";
import { importProblems } from "./workspace-imports.ts";
import { type Workspace, workspacesOf } from "./workspaces.ts";

const root = join(import.meta.dirname, "..");
const workspaces = workspacesOf(root);

function sourcesOf({ folder }: Workspace): string[] {
  return filesBelow(join(root, folder), ".").filter(
    (file) => /\.[cm]?[jt]s$/.test(file) && !/(^|\/)(node_modules|dist)\//.test(file),
  );
}

function problemsOf(workspace: Workspace): string[] {
  const { folder, manifest } = workspace;
  const problems: string[] = [];
  const say = (problem: string) => problems.push(`${folder}/package.json: ${problem}`);
  if (manifest.private !== true) {
    for (const problem of manifestProblems(manifest, folder.slice("packages/".length))) {
      say(problem);
    }
  }
  const files = sourcesOf(workspace);
  const hasUnitTests = files.some((file) => /^[^.]+\.test\.ts$/.test(file));
  if (hasUnitTests !== (manifest.scripts?.["test:unit"] !== undefined)) {
    say(hasUnitTests ? "no script runs its unit tests" : "test:unit has nothing to run");
  }
  if (manifest.scripts?.typecheck === undefined) say("it has no script typecheck");
  if (!existsSync(join(root, folder, "tsconfig.json"))) say("there is no tsconfig.json beside it");
  for (const file of files) {
    const path = join(folder, file);
    const text = readFileSync(join(root, path), "utf8");
    problems.push(...importProblems(path, text, workspace, workspaces));
  }
  return problems;
}

const problems = workspaces.flatMap(problemsOf);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
