import { readFileSync } from "node:fs";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { NamespaceMode, RunPodSandboxRequestSchema } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { describe, expect, test } from "@jest/globals";
import type { CallContext } from "../../src/call.js";
import { createSandboxRun } from "../../src/pods/sandbox-run.js";
import { type Scenario, testFailingSteps } from "./failing-steps.js";
import { containerConfig, inWorld, runPod, sandboxConfig, type World } from "./world.js";

const sandbox = "k8s_POD_web_prod_u1_0";
const main = "k8s_main_web_prod_u1_0";

function expectRunningPod(world: World, { podSandboxId }: { podSandboxId: string }): void {
  const { id } = world.docker.containers.get(sandbox);
  expect(podSandboxId).toBe(id);
  expect(world.actual()).toEqual({ [sandbox]: "running" });
  expect([...world.network.held]).toEqual([id]);
  expect(world.network.addresses(id)).toHaveLength(1);
  const { ResolvConfPath: path } = world.docker.containers.inspect(id) as {
    ResolvConfPath: string;
  };
  expect(readFileSync(path, "utf8")).toBe("nameserver 10.96.0.10\n");
}

/**
 * Expects that nothing is listed or told when the network is set up.
 *
 * @returns The names of all that is told, from now on.
 */
function watchUnlisted(world: World): string[] {
  world.docker.events.release();
  const seen: string[] = [];
  world.store.onChange(({ after }) => void seen.push(`${after?.name}`));
  world.steps.plan("network ADD", {
    before() {
      expect([...world.store.sandboxes()]).toEqual([]);
      expect(seen).toEqual([]);
    },
  });
  return seen;
}

const runScenario: Scenario<object, { podSandboxId: string }> = {
  name: "RunPodSandbox",
  steps: 7,
  undoes: true,
  prepare: async (world) => ({ config: sandboxConfig(world) }),
  call: ({ calls }, request, signal) => calls.runPodSandbox(request, signal),
  done: expectRunningPod,
};

const replaceScenario: Scenario<object, { podSandboxId: string }> = {
  ...runScenario,
  name: "RunPodSandbox in place of a sandbox that has ended",
  steps: 7,
  undoes: false,
  async prepare(world) {
    await runPod(world, ["main"]);
    world.docker.containers.exit(main, 0);
    world.docker.containers.exit(sandbox, 0);
    const { id } = world.docker.containers.get(sandbox);
    await world.store.refresh(id);
    await world.store.refresh(world.docker.containers.get(main).id);
    return { config: sandboxConfig(world) };
  },
};

const createScenario: Scenario<object, { containerId: string }> = {
  name: "CreateContainer",
  steps: 2,
  undoes: true,
  async prepare(world) {
    const { podSandboxId } = await runPod(world);
    const config = containerConfig();
    return { podSandboxId, config, sandboxConfig: sandboxConfig(world) };
  },
  call: ({ calls }, request, signal) => calls.createContainer(request, signal),
  done(world, { containerId }) {
    expect(world.actual()).toEqual({ [sandbox]: "running", [main]: "created" });
    expect(world.docker.containers.get(main).id).toBe(containerId);
  },
};

const takenScenario: Scenario<object, { containerId: string }> = {
  ...createScenario,
  name: "CreateContainer under the name of one that an earlier attempt left",
  steps: 6,
  undoes: false,
  // What cannot be taken out of the way is stepped around with a suffix.
  done(world, { containerId }) {
    const { name } = world.docker.containers.get(containerId);
    expect(name.replace(/_[\da-f]{8}$/, "")).toBe(main);
    const { [main]: _earlier, ...others } = { ...world.actual(), [name]: "created" };
    expect(world.docker.containers.get(containerId).status).toBe("created");
    expect(others).toEqual({
      [sandbox]: "running",
      ...(name === main ? {} : { [name]: "created" }),
    });
  },
  async prepare(world) {
    const request = await createScenario.prepare(world);
    await world.calls.createContainer(request);
    return request;
  },
};

await testFailingSteps(runScenario);
await testFailingSteps(replaceScenario);
await testFailingSteps(createScenario);
await testFailingSteps(takenScenario);

test("a container joins the process namespace of a running container of its own pod only", async () => {
  await inWorld(async (world) => {
    const { podSandboxId, containerIds } = await runPod(world, ["main", "ended"]);
    const other = await runPod(world, ["alien"], "other");
    world.docker.containers.exit("k8s_ended_web_prod_u1_0", 0);
    await world.store.refresh(containerIds[1] ?? "");
    const join = (targetId: string) => {
      const securityContext = { namespaceOptions: { pid: NamespaceMode.TARGET, targetId } };
      const config = { ...containerConfig("debug"), linux: { securityContext } };
      const request = { podSandboxId, sandboxConfig: sandboxConfig(world), config };
      return world.calls.createContainer(request);
    };
    for (const target of [other.containerIds[0] ?? "", "k8s_main_web_prod_u1_0", podSandboxId]) {
      await expect(join(target)).rejects.toMatchObject({
        code: Code.NotFound,
        message: expect.stringContaining("target_id: the pod has no container"),
      });
    }
    await expect(join(containerIds[1] ?? "")).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      message: expect.stringMatching("target_id: .* is exited"),
    });
    await join(containerIds[0] ?? "");
    expect(world.docker.containers.get("k8s_debug_web_prod_u1_0").status).toBe("created");
  });
});

test("calls for one name share one attempt, which goes on until the last of them has left", async () => {
  await inWorld(async (world) => {
    const request = { config: sandboxConfig(world) };
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    world.steps.plan(`POST /containers/${sandbox}/start`, { before: () => held });
    const leaver = new AbortController();
    const calls = [
      world.calls.runPodSandbox(request, leaver.signal),
      world.calls.runPodSandbox(request),
      world.calls.runPodSandbox(request),
    ] as const;
    await until(() => world.steps.taken.includes(`POST /containers/${sandbox}/start`));
    leaver.abort();
    await expect(calls[0]).rejects.toMatchObject({ code: Code.Canceled });
    letGo();
    const replies = await Promise.all(calls.slice(1));
    for (const reply of replies) expectRunningPod(world, reply);
    expectRunningPod(world, await world.calls.runPodSandbox(request));
    expect(world.steps.taken).not.toContain("POST /containers/create (2)");
  });
});

test("a call that comes while an abandoned attempt is undone waits for that, and begins anew", async () => {
  await inWorld(async (world) => {
    const request = { config: sandboxConfig(world) };
    const caller = new AbortController();
    world.steps.plan("network ADD", { before: () => caller.abort() });
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    world.steps.plan(`DELETE /containers/${sandbox}`, { before: () => held });
    await expect(world.calls.runPodSandbox(request, caller.signal)).rejects.toMatchObject({
      code: Code.Canceled,
    });
    const next = world.calls.runPodSandbox(request);
    await until(() => world.steps.taken.includes(`DELETE /containers/${sandbox}`));
    expect(world.steps.taken).not.toContain("POST /containers/create (2)");
    letGo();
    expectRunningPod(world, await next);
  });
});

test("a sandbox is in no list while it is made, and in all of them when it is ready", async () => {
  await inWorld(async (world) => {
    const seen = watchUnlisted(world);
    expectRunningPod(world, await world.calls.runPodSandbox({ config: sandboxConfig(world) }));
    expect([...world.store.sandboxes()].map(({ name }) => name)).toEqual([sandbox]);
    expect(new Set(seen)).toEqual(new Set([sandbox]));
  });
});

describe("a sandbox whose name a foreign container has", () => {
  /** Its own name, with a suffix. */
  const suffixed = new RegExp(`^${sandbox}_[\\da-f]{8}$`);

  async function inTakenWorld(work: (world: World) => Promise<void>): Promise<void> {
    await inWorld(async (world) => {
      world.docker.containers.create(sandbox, { Image: "busybox:1" });
      await work(world);
    });
  }
  const pods = (world: World) => Object.keys(world.actual()).filter((name) => name !== sandbox);

  /** It is made, and what follows gets the request for it and the reply. */
  async function inWorldWithIt(
    work: (
      world: World,
      request: { config: ReturnType<typeof sandboxConfig> },
      first: { podSandboxId: string },
    ) => Promise<void>,
  ): Promise<void> {
    await inTakenWorld(async (world) => {
      const request = { config: sandboxConfig(world) };
      const first = await world.calls.runPodSandbox(request);
      expect(pods(world)).toEqual([expect.stringMatching(suffixed)]);
      await work(world, request, first);
    });
  }

  test("is found by a repeated call", async () => {
    await inWorldWithIt(async (world, request, first) => {
      expect(await world.calls.runPodSandbox(request)).toEqual(first);
      expect(pods(world)).toHaveLength(1);
    });
  });

  test("is found when the name has become free", async () => {
    await inWorldWithIt(async (world, request, first) => {
      world.docker.containers.remove(sandbox, true);
      expect(await world.calls.runPodSandbox(request)).toEqual(first);
      expect(pods(world)).toHaveLength(1);
    });
  });

  test("is replaced when it has ended", async () => {
    await inWorldWithIt(async (world, request, first) => {
      world.docker.containers.exit(first.podSandboxId, 0);
      await world.store.refresh(first.podSandboxId);
      const { podSandboxId } = await world.calls.runPodSandbox(request);
      expect(podSandboxId).not.toBe(first.podSandboxId);
      expect(pods(world)).toEqual([world.docker.containers.get(podSandboxId).name]);
      expect([...world.network.held]).toEqual([podSandboxId]);
    });
  });

  test("is in no list while it is made", async () => {
    await inTakenWorld(async (world) => {
      const seen = watchUnlisted(world);
      const { podSandboxId } = await world.calls.runPodSandbox({ config: sandboxConfig(world) });
      expect([...world.store.sandboxes()].map(({ id }) => id)).toEqual([podSandboxId]);
      expect(new Set(seen)).toEqual(new Set([world.docker.containers.get(podSandboxId).name]));
    });
  });
});

describe("a pod whose process is known before the engine has started it", () => {
  /** RunPodSandbox, told a pid by the runtime once the engine has replied. */
  async function runTold(world: World, toldPid: (pid: number) => number): Promise<unknown> {
    const run = createSandboxRun({
      ...world.parts,
      pids: { of: async (_, started) => toldPid(await started) },
    });
    const request = create(RunPodSandboxRequestSchema, { config: sandboxConfig(world) });
    return await run(request, { signal: new AbortController().signal } as CallContext);
  }

  test("and is the same is a pod", async () => {
    await inWorld(async (world) => {
      expectRunningPod(world, (await runTold(world, (pid) => pid)) as { podSandboxId: string });
    });
  });

  test("and is another is none: nothing of it stays", async () => {
    await inWorld(async (world) => {
      await expect(runTold(world, (pid) => pid + 1)).rejects.toMatchObject({ code: "internal" });
      expect(world.actual()).toEqual({});
      expect([...world.network.held]).toEqual([]);
    });
  });
});
