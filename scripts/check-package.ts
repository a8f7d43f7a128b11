// Checks the package in the working folder as it would be published: what is in its tarball, publint and
// attw; that each export has a docstring; and that the examples of its README compile.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { docstringProblems, type PackageExports } from "./docstrings.ts";
import { exampleProblems } from "./examples.ts";
import { contentProblems, meantContents, sourceMapProblems } from "./package-contents.ts";
import { filesBelow } from "./package-files.ts";
import type { Manifest } from "./package-manifest.ts";

/** Runs a command; a failure is a problem that its output describes. */
function run(command: string, args: readonly string[]): string[] {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return [];
  return [`${command} failed:\n${stdout}${stderr}${error?.message ?? ""}`];
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, "utf8")) as Manifest;
}

function tarballProblems(scratch: string): string[] {
  const failed = run("pnpm", ["pack", "--pack-destination", scratch]);
  if (failed.length > 0) return failed;
  const tarball = join(scratch, readdirSync(scratch).find((name) => name.endsWith(".tgz")) ?? "");
  const untarred = run("tar", ["-xzf", tarball, "-C", scratch]);
  if (untarred.length > 0) return untarred;

  const unpacked = join(scratch, "package");
  const packed = filesBelow(unpacked, ".");
  const { dependencies = {} } = readManifest(join(unpacked, "package.json"));
  return [
    ...contentProblems(packed, meantContents(".", readManifest("package.json"))),
    ...sourceMapProblems(packed, (map) => readFileSync(join(unpacked, map), "utf8")),
    ...Object.entries(dependencies)
      .filter(([, range]) => /^(workspace|catalog):/.test(range))
      .map(([name, range]) => `dependency ${name} is published as "${range}"`),
    ...run("publint", ["run", tarball, "--strict"]),
    ...run("attw", [tarball, "--profile", "esm-only"]),
  ];
}

const scratch = mkdtempSync(join(tmpdir(), "dockershim-pack-"));
try {
  const exports = readManifest("package.json").exports as PackageExports;
  const problems = [
    ...tarballProblems(scratch),
    ...docstringProblems(".", exports),
    ...exampleProblems("."),
  ];
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true });
}
