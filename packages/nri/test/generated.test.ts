import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "@jest/globals";

const run = promisify(execFile);
const packageDir = join(import.meta.dirname, "..");
const binDir = join(packageDir, "node_modules/.bin");
const outDir = await mkdtemp(join(tmpdir(), "nri-"));

afterAll(() => rm(outDir, { recursive: true }));

test("generating again gives the committed code", async () => {
  await run(join(binDir, "buf"), ["generate", "--output", outDir], {
    cwd: packageDir,
    env: { ...process.env, PATH: `${binDir}${delimiter}${process.env.PATH ?? ""}` },
  });
  for (const name of ["nri/pkg/api/v1alpha1/api", "ttrpc/request", "google/rpc/status"]) {
    const path = `src/gen/${name}_pb.ts`;
    const again = await readFile(join(outDir, path), "utf8");
    const committed = await readFile(join(packageDir, path), "utf8");
    expect([path, again === committed]).toEqual([path, true]);
  }
});

test("each .proto is formatted as buf formats it", async () => {
  const { stdout } = await run(join(binDir, "buf"), ["format", "--diff", "proto"], {
    cwd: packageDir,
  });
  expect(stdout).toBe("");
});
