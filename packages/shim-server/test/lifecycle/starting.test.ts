import { lstatSync } from "node:fs";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { until } from "@dockershim/testing";
import { expect, test } from "@jest/globals";
import { ShimError } from "../../src/shim-error.js";
import { type Scenario, testFailingSteps } from "./failing-steps.js";
import { containerConfig, inWorld, runPod, sandboxConfig, type World } from "./world.js";

const sandbox = "k8s_POD_web_prod_u1_0";
const main = "k8s_main_web_prod_u1_0";

function hasLog({ logs }: World): boolean {
  return lstatSync(join(logs, "main.log"), { throwIfNoEntry: false }) !== undefined;
}

/** What stays of a container that could not be started runs in no other way than it was meant to. */
function expectLimited(world: World): void {
  const { status, pid } = world.docker.containers.get(main);
  if (status === "running") expect(world.limited.get(pid)).toHaveLength(1);
}

const startScenario: Scenario<{ containerId: string }> = {
  name: "StartContainer",
  steps: 2,
  undoes: false,
  async prepare(world) {
    const { podSandboxId } = await runPod(world);
    return await world.calls.createContainer({
      podSandboxId,
      config: containerConfig(),
      sandboxConfig: sandboxConfig(world),
    });
  },
  call: ({ calls }, request, signal) => calls.startContainer(request, signal),
  failed: expectLimited,
  // CRI containers run once: the kubelet makes another one.
  repeatable: ({ docker }) => docker.containers.get(main).status === "created",
  done(world) {
    expect(world.actual()).toEqual({ [sandbox]: "running", [main]: "running" });
    expectLimited(world);
    expect(hasLog(world)).toBe(true);
  },
};

await testFailingSteps(startScenario);

async function withCreated(work: (world: World, containerId: string) => Promise<void>) {
  await inWorld(async (world) => {
    const { containerId } = await startScenario.prepare(world);
    await work(world, containerId);
    await world.settle();
  });
}

test("a container whose limit the kernel refuses is stopped, though its caller has left", async () => {
  await withCreated(async (world, containerId) => {
    const caller = new AbortController();
    world.refuseLimits((pid) => {
      expect(pid).toBe(world.docker.containers.get(main).pid);
      caller.abort();
      return new ShimError("failed_precondition", "memory.high: refused");
    });
    await expect(world.calls.startContainer({ containerId }, caller.signal)).rejects.toMatchObject({
      code: Code.Canceled,
    });
    expect(world.actual()).toEqual({ [sandbox]: "running", [main]: "exited" });
  });
});

/** A container that only its state is read of when it is started. */
async function withoutLimits(work: (world: World, containerId: string) => Promise<void>) {
  await inWorld(async (world) => {
    const { podSandboxId } = await runPod(world);
    const { containerId } = await world.calls.createContainer({
      podSandboxId,
      config: { ...containerConfig(), linux: {} },
      sandboxConfig: sandboxConfig(world),
    });
    await work(world, containerId);
    await world.settle();
  });
}

/** Has so many reads of the container be cut; the engine's client tries each twice. */
function cutReads(world: World, reads: number): void {
  failReads(world, reads * 2, "lost");
}

function failReads({ steps }: World, count: number, outcome: "lost" | "refused"): void {
  steps.forget();
  for (let step = 1; step <= count; step++) {
    const again = step === 1 ? "" : ` (${step})`;
    steps.plan(`GET /containers/${main}/json${again}`, { outcome });
  }
}

test("a start is no failure because the read behind it is cut", async () => {
  await withCreated(async (world, containerId) => {
    cutReads(world, 1);
    await world.calls.startContainer({ containerId });
    expectLimited(world);
    expect(world.known()).toEqual(world.actual());
    expect(hasLog(world)).toBe(true);
  });
});

test("a start is no failure because inspect and list refuse to tell of it once", async () => {
  await withoutLimits(async (world, containerId) => {
    world.steps.forget();
    world.steps.plan(`GET /containers/${main}/json`, { outcome: "refused" });
    world.steps.plan("GET /containers/json", { outcome: "refused" });
    await world.calls.startContainer({ containerId });
    expect(world.known()).toEqual(world.actual());
  });
});

test("a start that nothing tells of is a failure, and becomes known", async () => {
  await withoutLimits(async (world, containerId) => {
    cutReads(world, 10);
    await expect(world.calls.startContainer({ containerId })).rejects.toMatchObject({
      code: Code.Unavailable,
    });
    expect(world.actual()).toEqual({ [sandbox]: "running", [main]: "running" });
    world.steps.forget();
    await until(() => hasLog(world));
  });
});

test("a start that the engine's list alone tells of has its log once it can be read", async () => {
  await withoutLimits(async (world, containerId) => {
    failReads(world, 50, "refused");
    await world.calls.startContainer({ containerId });
    expect(hasLog(world)).toBe(false);
    world.steps.forget();
    await until(() => hasLog(world));
  });
});

test("a container that the engine cannot start is told in the engine's words", async () => {
  await withCreated(async (world, containerId) => {
    world.docker.containers.exit(sandbox, 0);
    await expect(world.calls.startContainer({ containerId })).rejects.toMatchObject({
      code: Code.Internal,
      rawMessage: expect.stringMatching(
        /^could not start the container: cannot join network namespace of a non running container/,
      ),
    });
    expect(world.docker.containers.get(main).status).toBe("created");
  });
});

test("a container is started once, also after it has ended", async () => {
  await withCreated(async (world, containerId) => {
    await world.calls.startContainer({ containerId });
    const started = world.calls.startContainer({ containerId });
    await expect(started).rejects.toMatchObject({ code: Code.FailedPrecondition });
    world.docker.containers.exit(main, 3);
    await world.settle();
    await expect(world.calls.startContainer({ containerId })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "container_id: container is exited",
    });
  });
});
