import { lstatSync } from "node:fs";
import { join } from "node:path";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { type Scenario, testFailingSteps } from "./failing-steps.js";
import { inWorld, runPod, type World } from "./world.js";

const sandbox = "k8s_POD_web_prod_u1_0";
const [main, side] = ["k8s_main_web_prod_u1_0", "k8s_side_web_prod_u1_0"];

function hasLog({ logs }: World, name = "main"): boolean {
  return lstatSync(join(logs, `${name}.log`), { throwIfNoEntry: false }) !== undefined;
}

const stopPodScenario: Scenario<{ podSandboxId: string }> = {
  name: "StopPodSandbox",
  steps: 8,
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
  steps: 11,
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

test("the pause process is stopped once its network namespace is held, and not before", async () => {
  await inWorld(async (world) => {
    const { podSandboxId } = await runPod(world);
    world.steps.forget();
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    world.steps.plan("network hold", { before: () => held });
    world.steps.plan("network DEL", {
      before: () => until(() => world.actual()[sandbox] === "exited"),
    });
    const stopping = world.calls.stopPodSandbox({ podSandboxId });
    await until(() => world.steps.taken.includes("network hold"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.steps.taken).toEqual(["network hold"]);
    letGo();
    // The network's DEL waits here until the process has ended: the two go side by side.
    await stopping;
    expect(world.network.held.size).toBe(0);
  });
});

test("what is not known is stopped and removed already", async () => {
  await inWorld(async ({ calls, steps }) => {
    const unknown = "a".repeat(64);
    steps.forget();
    await calls.stopContainer({ containerId: unknown });
    await calls.removeContainer({ containerId: unknown });
    await calls.stopPodSandbox({ podSandboxId: unknown });
    await calls.removePodSandbox({ podSandboxId: unknown });
    // Its container may have been removed behind our back, and its network not be given back yet.
    expect(steps.taken).toEqual(["network DEL", "network DEL (2)"]);
  });
});

test("a stop whose grace is negative is refused before the engine is asked", async () => {
  await inWorld(async ({ calls, steps }) => {
    steps.forget();
    await expect(
      calls.stopContainer({ containerId: "a".repeat(64), timeout: -1n }),
    ).rejects.toMatchObject({ rawMessage: "timeout: must not be negative" });
    expect(steps.taken).toEqual([]);
  });
});
