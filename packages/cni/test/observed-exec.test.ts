import { expect, test } from "@jest/globals";
import { observePlugins } from "../src/observed-exec.js";
import type { PluginExec } from "../src/plugin-exec.js";

const run = {
  path: "/opt/cni/bin/bridge",
  env: {},
  variables: { CNI_COMMAND: "ADD" },
  stdin: "{}",
  signal: new AbortController().signal,
};

/** What is told of a run that ends like this. */
async function toldOf(outcome: () => ReturnType<PluginExec["run"]>): Promise<unknown[]> {
  const told: unknown[] = [];
  const exec = observePlugins({ run: outcome, close: () => undefined }, (plugin, command) => {
    told.push(`${command} ${plugin}`);
    return (error) => told.push(error);
  });
  await exec.run(run).catch(() => undefined);
  return told;
}

const exit = { signal: null, stdout: "", stderr: "" };
const gone = new Error("gone");

test.each([
  ["succeeds", async () => ({ ...exit, exitCode: 0 }), undefined],
  ["fails", async () => ({ ...exit, exitCode: 1 }), 1],
  ["is killed", async () => ({ ...exit, exitCode: null, signal: "SIGKILL" as const }), "SIGKILL"],
  ["cannot run", () => Promise.reject(gone), gone],
])("a plugin that %s is told of", async (_, outcome, error) => {
  expect(await toldOf(outcome)).toEqual(["ADD bridge", error]);
});
