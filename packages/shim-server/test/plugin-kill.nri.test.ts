import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

// A plugin on upstream's stub, as a process of its own, is killed with -9 while it is told of something. The call that
// it was about goes on, and another plugin is told of everything as if it had never been there.

let h: Harness;
let socket: string;
let plugins: Plugin[] = [];

beforeAll(async () => {
  h = await createHarness();
  socket = join(h.dir, "nri.sock");
  await h.restart({
    nriSocket: socket,
    nriPluginDir: join(h.dir, "none"),
    nriRegistrationTimeoutMs: 60_000,
    // Long past the test's own patience: it is the end of the process that has to be noticed.
    nriRequestTimeoutMs: 600_000,
  });
});
afterEach(async () => {
  for (const { process } of plugins) process.kill("SIGKILL");
  for (const { ended } of plugins) await ended;
  plugins = [];
});
afterAll(() => h.close());

const events = [
  "RunPodSandbox",
  "CreateContainer",
  "PostCreateContainer",
  "StartContainer",
  "PostStartContainer",
  "UpdatePodSandbox",
  "PostUpdatePodSandbox",
  "UpdateContainer",
  "PostUpdateContainer",
  "StopContainer",
  "RemoveContainer",
  "StopPodSandbox",
  "RemovePodSandbox",
] as const;

interface Told {
  readonly event: string;
  readonly pod?: string;
  readonly container?: string;
  readonly pods?: readonly string[];
  readonly containers?: readonly string[];
}

interface Plugin {
  readonly process: ChildProcess;
  readonly told: Told[];
  readonly ended: Promise<unknown>;
}

/** Starts it, and waits until it knows of all that there is. */
async function plugIn(index: string, config: object = {}): Promise<Plugin> {
  const flags = [`-idx=${index}`, "-name=stub", `-socket=${socket}`];
  const process = spawn(labVariable("NRI_STUB"), [...flags, `-config=${JSON.stringify(config)}`], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const told: Told[] = [];
  createInterface({ input: process.stdout }).on("line", (line) => told.push(JSON.parse(line)));
  const ended = new Promise((resolve) => process.once("exit", resolve));
  const plugin = { process, told, ended };
  plugins.push(plugin);
  await until(() => told.some(({ event }) => event === "Synchronize"));
  return plugin;
}

/** A pod's life, in which each event happens once. */
async function live(): Promise<{ podSandboxId: string; containerId: string }> {
  const { runtime } = h.cri;
  const { podSandboxId, containerId } = await h.runPod();
  await runtime.updatePodSandboxResources({ podSandboxId, resources: { cpuShares: 512n } });
  await runtime.updateContainerResources({ containerId, linux: { cpuShares: 512n } });
  await runtime.stopContainer({ containerId, timeout: 0n });
  await runtime.removeContainer({ containerId });
  await runtime.stopPodSandbox({ podSandboxId });
  await runtime.removePodSandbox({ podSandboxId });
  return { podSandboxId, containerId };
}

test.each(events)("a plugin killed in %s: its call goes on, and nothing is lost", async (fatal) => {
  const [victim, witness] = [await plugIn("10", { hang: { [fatal]: true } }), await plugIn("20")];
  const life = live();
  // The call hangs for as long as the plugin does.
  await until(() => victim.told.at(-1)?.event === fatal);
  expect(witness.told.some(({ event }) => event === fatal)).toBe(false);
  victim.process.kill("SIGKILL");
  const { podSandboxId, containerId } = await life;
  await until(() => witness.told.at(-1)?.event === "RemovePodSandbox");
  const told = witness.told.filter(({ pod }) => pod === podSandboxId);
  expect(told.map(({ event }) => event)).toEqual(events);
  for (const { event, container } of told) {
    if (event.endsWith("Container")) expect(container).toBe(containerId);
  }
  const before = victim.told.filter(({ pod }) => pod === podSandboxId);
  expect(before.map(({ event }) => event)).toEqual(events.slice(0, events.indexOf(fatal) + 1));
});

test("one that comes back after its death is told of all that there is", async () => {
  const victim = await plugIn("10", { hang: { StartContainer: true } });
  const started = h.runPod();
  await until(() => victim.told.at(-1)?.event === "StartContainer");
  victim.process.kill("SIGKILL");
  const { podSandboxId, containerId } = await started;
  const { told } = await plugIn("10");
  const { pods, containers } = told.find(({ event }) => event === "Synchronize") ?? {};
  expect(pods).toContain(podSandboxId);
  expect(containers).toContain(containerId);
});
