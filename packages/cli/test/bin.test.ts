import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runBin, startBin } from "./dockershim-bin.js";
import { ids, startSampleRuntime } from "./sample-runtime.js";

// The command as it is installed, in a process of its own; what each command prints is
// tested in commands.test.ts.
let runtime: Awaited<ReturnType<typeof startSampleRuntime>>;
let env: Record<string, string>;

beforeAll(async () => {
  runtime = await startSampleRuntime();
  env = { CONTAINER_RUNTIME_ENDPOINT: runtime.endpoint };
});
afterAll(() => runtime.close());

test("it prints and exits with 0", async () => {
  const { stdout, stderr, code } = await runBin(["ps", "-q"], env);
  expect({ stdout, stderr, code }).toEqual({ stdout: `${ids.web}\n`, stderr: "", code: 0 });
});

test("it exits with the code of the command that it ran", async () => {
  expect((await runBin(["exec", "web", "exit", "42"], env)).code).toBe(42);
});

test("it exits with 1 and one line when there is no runtime", async () => {
  const { stdout, stderr, code } = await runBin(["ps", "-r", "unix:///nonexistent/x.sock"]);
  expect(stderr).toMatch(/^dockershim: cannot reach the container runtime .*\n$/);
  expect({ stdout, code }).toEqual({ stdout: "", code: 1 });
});

test("it exits with 2 after wrong usage", async () => {
  expect((await runBin(["ps", "--bogus"])).code).toBe(2);
});

test("it says nothing when its reader goes away", async () => {
  const line = `2026-11-23T10:00:00Z stdout F ${"x".repeat(1_000)}\n`;
  await writeFile(runtime.logPath, line.repeat(2_000));
  const child = startBin(["logs", "web"], env);
  let complaints = "";
  child.stderr.on("data", (data) => {
    complaints += data;
  });
  await once(child.stdout, "data");
  child.stdout.destroy();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(complaints).toBe("");
});
