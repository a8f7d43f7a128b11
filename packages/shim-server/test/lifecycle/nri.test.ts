import { connect } from "node:net";
import { Code } from "@connectrpc/connect";
import { type PluginHandlers, type RunningPlugin, startPlugin } from "@dockershim/nri";
import { until } from "@dockershim/testing";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { containerConfig, openWorld, runPod, sandboxConfig, type World } from "./world.js";

let world: World;
let plugins: RunningPlugin[];

beforeEach(async () => {
  world = await openWorld({ nri: true });
  plugins = [];
});
afterEach(() => world.close());

/** Connects a plugin, and waits until it has been told of all there is. */
async function plugIn(handlers: PluginHandlers, index = "10"): Promise<RunningPlugin> {
  const synchronized = Promise.withResolvers<void>();
  const plugin = await startPlugin(
    connect(world.nriSocket),
    { index, name: "test" },
    {
      ...handlers,
      synchronize: async (inventory) => {
        synchronized.resolve();
        return (await handlers.synchronize?.(inventory)) ?? [];
      },
    },
  );
  await synchronized.promise;
  plugins.push(plugin);
  return plugin;
}

interface Told {
  readonly pod?: { readonly id: string; readonly name: string } | undefined;
  readonly container?: { readonly id: string; readonly name: string } | undefined;
}

const events = [
  "runPodSandbox",
  "stopPodSandbox",
  "removePodSandbox",
  "createContainer",
  "postCreateContainer",
  "startContainer",
  "postStartContainer",
  "updateContainer",
  "postUpdateContainer",
  "stopContainer",
  "removeContainer",
] as const;

/** Functions for all events that note each, and do what is given besides. */
function noting(told: string[], more: PluginHandlers = {}): PluginHandlers {
  const handlers: Record<string, (request: never) => unknown> = {};
  for (const event of events) {
    handlers[event] = async (request: Told) => {
      told.push(`${event} ${request.container?.id ?? request.pod?.id}`);
      return (await (more[event] as ((request: Told) => unknown) | undefined)?.(request)) ?? {};
    };
  }
  return { ...handlers, synchronize: more.synchronize } as PluginHandlers;
}

function createMain(podSandboxId: string, pod = sandboxConfig(world)): Promise<string> {
  return world.calls
    .createContainer({ podSandboxId, sandboxConfig: pod, config: containerConfig() })
    .then(({ containerId }) => containerId);
}

const states = () => Object.values(world.actual());

test("a pod's life is told from its first to its last moment, with who it is", async () => {
  const told: string[] = [];
  const seen: Told[] = [];
  await plugIn(
    noting(told, {
      createContainer: (request) => {
        seen.push(request);
        return {};
      },
    }),
  );
  const { podSandboxId, containerIds } = await runPod(world, ["main"]);
  const containerId = containerIds[0] ?? "";
  const { calls } = world;
  await calls.updateContainerResources({ containerId, linux: { cpuShares: 5n } });
  await calls.stopContainer({ containerId });
  await calls.removeContainer({ containerId });
  await calls.stopPodSandbox({ podSandboxId });
  await calls.stopPodSandbox({ podSandboxId });
  await calls.removePodSandbox({ podSandboxId });
  expect(told).toEqual([
    `runPodSandbox ${podSandboxId}`,
    `createContainer ${containerId}`,
    `postCreateContainer ${containerId}`,
    `startContainer ${containerId}`,
    `postStartContainer ${containerId}`,
    `updateContainer ${containerId}`,
    `postUpdateContainer ${containerId}`,
    `stopContainer ${containerId}`,
    `removeContainer ${containerId}`,
    `stopPodSandbox ${podSandboxId}`,
    `removePodSandbox ${podSandboxId}`,
  ]);
  expect(seen[0]).toMatchObject({
    pod: {
      name: "web",
      uid: "u1",
      namespace: "prod",
      ips: ["10.0.0.1"],
      linux: {
        namespaces: [{ type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "pid" }],
      },
    },
    container: { name: "main", podSandboxId, state: 1, linux: { resources: { unified: {} } } },
  });
});

test("a container's end is told, whoever ended it, and so is what somebody else removes", async () => {
  const told: string[] = [];
  const { podSandboxId, containerIds } = await runPod(world, ["main", "side"]);
  const [main = "", side = ""] = containerIds;
  await plugIn(noting(told));
  world.docker.events.release();
  world.docker.containers.exit(main, 1);
  await until(() => told.length === 1);
  world.docker.containers.remove(side, true);
  await until(() => told.length === 3);
  world.docker.containers.remove(main, true);
  world.docker.containers.remove(podSandboxId, true);
  await until(() => told.length === 6);
  expect(told.slice(0, 4)).toEqual([
    `stopContainer ${main}`,
    `stopContainer ${side}`,
    `removeContainer ${side}`,
    `removeContainer ${main}`,
  ]);
  expect(told.slice(4)).toEqual([
    `stopPodSandbox ${podSandboxId}`,
    `removePodSandbox ${podSandboxId}`,
  ]);
});

test("RemovePodSandbox of a running pod tells of every end in it before", async () => {
  const told: string[] = [];
  await plugIn(noting(told));
  const { podSandboxId, containerIds } = await runPod(world, ["main", "side"]);
  told.length = 0;
  await world.calls.removePodSandbox({ podSandboxId });
  expect(told.slice(0, 2).sort()).toEqual(containerIds.map((id) => `stopContainer ${id}`).sort());
  expect(told[2]).toBe(`stopPodSandbox ${podSandboxId}`);
  expect(told.slice(3, 5).sort()).toEqual(containerIds.map((id) => `removeContainer ${id}`).sort());
  expect(told.slice(5)).toEqual([`removePodSandbox ${podSandboxId}`]);
});

test("a plugin that joins is told of what runs", async () => {
  const { podSandboxId, containerIds } = await runPod(world, ["main", "side"]);
  await world.calls.stopContainer({ containerId: containerIds[1] ?? "" });
  const inventory = Promise.withResolvers<string[][]>();
  await plugIn({
    synchronize: ({ pods, containers }) => {
      inventory.resolve([pods, containers].map((all) => all.map(({ id }) => id)));
      return [];
    },
  });
  expect(await inventory.promise).toEqual([[podSandboxId], [containerIds[0]]]);
});

describe("while a hook is in progress", () => {
  test("a sandbox is in no list, and nothing can be created in it", async () => {
    const reached = Promise.withResolvers<string>();
    const { promise: released, resolve: release } = Promise.withResolvers<object>();
    await plugIn({
      runPodSandbox: ({ pod }) => {
        reached.resolve(pod?.id ?? "");
        return released;
      },
    });
    const running = runPod(world);
    const podSandboxId = await reached.promise;
    expect((await world.calls.listPodSandbox({})).items).toEqual([]);
    await expect(createMain(podSandboxId)).rejects.toMatchObject({ code: Code.NotFound });
    release({});
    await running;
    expect((await world.calls.listPodSandbox({})).items).toMatchObject([{ id: podSandboxId }]);
  });

  test("a container is in no list, has no status, and no event", async () => {
    const { podSandboxId } = await runPod(world);
    const reached = Promise.withResolvers<string>();
    const { promise: released, resolve: release } = Promise.withResolvers<object>();
    await plugIn({
      createContainer: ({ container }) => {
        reached.resolve(container?.id ?? "");
        return released;
      },
    });
    const changed: string[] = [];
    world.store.onChange(({ id }) => changed.push(id));
    const creating = createMain(podSandboxId);
    const containerId = await reached.promise;
    expect((await world.calls.listContainers({})).containers).toEqual([]);
    await expect(world.calls.containerStatus({ containerId })).rejects.toMatchObject({
      code: Code.NotFound,
    });
    expect(changed).toEqual([]);
    release({});
    expect(await creating).toBe(containerId);
    expect((await world.calls.listContainers({})).containers).toMatchObject([{ id: containerId }]);
    expect(changed).toContain(containerId);
  });
});

describe("an error of a plugin", () => {
  const failingOnce = () => {
    let failed = false;
    return () => {
      if (failed) return {};
      failed = true;
      throw new Error("not today");
    };
  };

  test("fails RunPodSandbox, leaves nothing, and is told as the end of the sandbox", async () => {
    const told: string[] = [];
    await plugIn(noting(told, { runPodSandbox: failingOnce() }));
    await expect(runPod(world)).rejects.toThrow("NRI plugin 10-test: RunPodSandbox: not today");
    expect(world.actual()).toEqual({});
    expect(world.network.held.size).toBe(0);
    const [id] = told.map((line) => line.split(" ")[1]);
    expect(told).toEqual([`runPodSandbox ${id}`, `stopPodSandbox ${id}`, `removePodSandbox ${id}`]);
    await runPod(world);
  });

  test("fails CreateContainer, leaves nothing, and is told as the end of the container", async () => {
    const { podSandboxId } = await runPod(world);
    const told: string[] = [];
    await plugIn(noting(told, { createContainer: failingOnce() }));
    await expect(createMain(podSandboxId)).rejects.toThrow("CreateContainer: not today");
    expect(states()).toEqual(["running"]);
    const [id] = told.map((line) => line.split(" ")[1]);
    expect(told).toEqual([`createContainer ${id}`, `stopContainer ${id}`, `removeContainer ${id}`]);
    await createMain(podSandboxId);
    expect(states()).toEqual(["running", "created"]);
  });

  test("fails StartContainer, which can be tried again", async () => {
    const { podSandboxId } = await runPod(world);
    await plugIn({ startContainer: failingOnce() });
    const containerId = await createMain(podSandboxId);
    await expect(world.calls.startContainer({ containerId })).rejects.toThrow("not today");
    expect(states()).toEqual(["running", "created"]);
    await world.calls.startContainer({ containerId });
    expect(states()).toEqual(["running", "running"]);
  });

  test("at an end keeps nothing from ending", async () => {
    const { podSandboxId } = await runPod(world, ["main"]);
    const fail = () => {
      throw new Error("not today");
    };
    await plugIn({
      stopContainer: fail,
      removeContainer: fail,
      stopPodSandbox: fail,
      removePodSandbox: fail,
    });
    await world.calls.removePodSandbox({ podSandboxId });
    expect(world.actual()).toEqual({});
  });
});

test.each(events)(
  "a plugin that dies in %s is gone, and the pod lives on without it",
  async (fatal) => {
    const told: string[] = [];
    const die = () => {
      plugins[0]?.close();
      return new Promise<never>(() => {});
    };
    await plugIn(noting(told, { [fatal]: die }));
    const other: string[] = [];
    await plugIn(noting(other), "20");
    const { podSandboxId, containerIds } = await runPod(world, ["main"]);
    const containerId = containerIds[0] ?? "";
    const { calls } = world;
    await calls.updateContainerResources({ containerId, linux: { cpuShares: 5n } });
    await calls.stopContainer({ containerId });
    await calls.removeContainer({ containerId });
    await calls.removePodSandbox({ podSandboxId });
    expect(told.at(-1)).toMatch(new RegExp(`^${fatal} `));
    expect(other.map((line) => line.split(" ")[0]).sort()).toEqual([...events].sort());
    expect(world.actual()).toEqual({});
  },
);

describe("adjustments", () => {
  test("that Docker takes at creation only have the container created anew", async () => {
    const { podSandboxId } = await runPod(world);
    const told: string[] = [];
    const shown: string[][] = [];
    await plugIn(
      noting(told, {
        createContainer: ({ container }) => {
          shown.push(container?.env ?? []);
          return { adjust: { env: [{ key: "NRI", value: "1" }] } };
        },
      }),
    );
    const containerId = await createMain(podSandboxId);
    const [first] = told.map((line) => line.split(" ")[1]);
    expect(told).toEqual([
      `createContainer ${first}`,
      `stopContainer ${first}`,
      `removeContainer ${first}`,
      `createContainer ${containerId}`,
      `postCreateContainer ${containerId}`,
    ]);
    // Each time the container as it is without plugins: one that looks would see its own work else.
    expect(shown).toEqual([[], []]);
    expect(states()).toEqual(["running", "created"]);
    expect(world.docker.containers.get(containerId).body).toMatchObject({ Env: ["NRI=1"] });
  });

  test("of limits are made in the container that is there", async () => {
    const { podSandboxId } = await runPod(world);
    const told: string[] = [];
    await plugIn(
      noting(told, {
        createContainer: () => ({ adjust: { linux: { resources: { cpu: { cpus: "1" } } } } }),
      }),
    );
    const containerId = await createMain(podSandboxId);
    expect(told).toEqual([`createContainer ${containerId}`, `postCreateContainer ${containerId}`]);
    expect(world.docker.containers.get(containerId).body.HostConfig).toMatchObject({
      CpusetCpus: "1",
    });
  });

  test("that differ each time are given up, and nothing is left", async () => {
    const { podSandboxId } = await runPod(world);
    let asked = 0;
    await plugIn({
      createContainer: () => ({ adjust: { env: [{ key: "N", value: String(asked++) }] } }),
    });
    await expect(createMain(podSandboxId)).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      message: expect.stringContaining("want something else each time"),
    });
    expect(asked).toBe(4);
    expect(states()).toEqual(["running"]);
  });

  test("that cannot be carried out are refused with their field, and nothing is left", async () => {
    const { podSandboxId } = await runPod(world);
    await plugIn({ createContainer: () => ({ adjust: { linux: { cgroupsPath: "/x" } } }) });
    await expect(createMain(podSandboxId)).rejects.toMatchObject({
      code: Code.Unimplemented,
      message: expect.stringContaining("nri.adjust.linux.cgroups_path"),
    });
    expect(states()).toEqual(["running"]);
  });

  test("that two plugins make of one field are refused", async () => {
    const { podSandboxId } = await runPod(world);
    const createContainer = () => ({ adjust: { args: ["x"] } });
    await plugIn({ createContainer }, "10");
    await plugIn({ createContainer }, "20");
    await expect(createMain(podSandboxId)).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      message: expect.stringContaining("NRI plugins 10-test and 20-test both set Args"),
    });
    expect(states()).toEqual(["running"]);
  });
});

describe("limits of containers that exist", () => {
  const cpus = (containerId: string, list: string) => ({
    containerId,
    linux: { resources: { cpu: { cpus: list } } },
  });
  const cpusOf = (id: string) =>
    (world.docker.containers.get(id).body.HostConfig as { CpusetCpus?: string }).CpusetCpus;

  test("are what plugins make of an update, and others' are changed beside", async () => {
    const { containerIds } = await runPod(world, ["main", "side"]);
    const [main = "", side = ""] = containerIds;
    await plugIn({ updateContainer: () => ({ update: [cpus(main, "2"), cpus(side, "3")] }) });
    await world.calls.updateContainerResources({ containerId: main, linux: { cpusetCpus: "1" } });
    expect([cpusOf(main), cpusOf(side)]).toEqual(["2", "3"]);
  });

  test("change when a plugin asks by itself; what fails is told", async () => {
    const { containerIds } = await runPod(world, ["main"]);
    const [main = ""] = containerIds;
    const plugin = await plugIn({});
    const failed = await plugin.update({ update: [cpus(main, "2"), cpus("unknown", "3")] });
    expect(failed).toMatchObject([{ containerId: "unknown" }]);
    expect(cpusOf(main)).toBe("2");
  });

  test("change at another's end", async () => {
    const { containerIds } = await runPod(world, ["main", "side"]);
    const [main = "", side = ""] = containerIds;
    await plugIn({ stopContainer: () => ({ update: [cpus(side, "0-1")] }) });
    await world.calls.stopContainer({ containerId: main });
    expect(cpusOf(side)).toBe("0-1");
  });

  test("and a container that a plugin wants stopped is", async () => {
    const { containerIds } = await runPod(world, ["main"]);
    const [main = ""] = containerIds;
    const plugin = await plugIn({});
    await plugin.update({ evict: [{ containerId: main, reason: "noisy" }] });
    expect(states()).toEqual(["running", "exited"]);
  });
});
