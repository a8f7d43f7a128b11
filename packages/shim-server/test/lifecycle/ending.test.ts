import { lstatSync } from "node:fs";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { expect } from "@jest/globals";
import { type Scenario, testFailingSteps } from "./failing-steps.js";
import { runPod, type World } from "./world.js";

const sandbox = "k8s_POD_web_prod_u1_0";
const [main, side] = ["k8s_main_web_prod_u1_0", "k8s_side_web_prod_u1_0"];

function hasLog({ logs }: World, name = "main"): boolean {
  return lstatSync(join(logs, `${name}.log`), { throwIfNoEntry: false }) !== undefined;
}

const stopPodScenario: Scenario<{ podSandboxId: string }> = {
  name: "StopPodSandbox",
  steps: 7,
  undoes: false,
  prepare: async (world) => await runPod(world, ["main", "side"]),
  call: ({ calls }, request, signal) => calls.stopPodSandbox(request, signal),
  done(world) {
    expect(world.actual()).toEqual({ [sandbox]: "exited", [main]: "exited", [side]: "exited" });
    expect(world.network.held.size).toBe(0);
  },
};

const removePodScenario: Scenario<{ podSandboxId: string }> = {
  ...stopPodScenario,
  name: "RemovePodSandbox",
  steps: 10,
  call: ({ calls }, request, signal) => calls.removePodSandbox(request, signal),
  async done(world) {
    expect(world.actual()).toEqual({});
    expect(world.network.held.size).toBe(0);
    await until(() => !hasLog(world));
  },
};

async function startedContainer(world: World): Promise<{ containerId: string; timeout: bigint }> {
  const { containerIds } = await runPod(world, ["main"]);
  return { containerId: containerIds[0] as string, timeout: 5n };
}

const stopScenario: Scenario<{ containerId: string; timeout: bigint }> = {
  name: "StopContainer",
  steps: 2,
  undoes: false,
  prepare: startedContainer,
  call: ({ calls }, request, signal) => calls.stopContainer(request, signal),
  done: (world) => expect(world.actual()).toEqual({ [sandbox]: "running", [main]: "exited" }),
};

const removeScenario: Scenario<{ containerId: string }> = {
  name: "RemoveContainer",
  steps: 1,
  undoes: false,
  prepare: startedContainer,
  call: ({ calls }, { containerId }, signal) => calls.removeContainer({ containerId }, signal),
  async done(world) {
    expect(world.actual()).toEqual({ [sandbox]: "running" });
    await until(() => !hasLog(world));
  },
};

await testFailingSteps(stopPodScenario);
await testFailingSteps(removePodScenario);
await testFailingSteps(stopScenario);
await testFailingSteps(removeScenario);
