import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { until } from "@dockershim/testing";
import { afterEach, describe, expect, test } from "@jest/globals";
import {
  ContainerSchema,
  ContainerUpdateSchema,
  grpcStatus,
  LinuxResourcesSchema,
  NriError,
  PodSandboxSchema,
  startPlugin,
} from "../src/index.js";
import { container, pod, type Rig, startRig } from "./plugin-rig.js";

let rig: Rig;
afterEach(() => rig.close());

const subject = { pod, container };
const never = () => new Promise<never>(() => {});
const free = new AbortController().signal;

test("plugins are told in ascending order of their indices, and of what they want only", async () => {
  rig = await startRig();
  const told: string[] = [];
  const tell = (text: string) => () => {
    told.push(text);
    return {};
  };
  await rig.connect("90-last", { runPodSandbox: tell("90") });
  await rig.connect("05-first", { runPodSandbox: tell("05") });
  await rig.connect("50-other", { startContainer: tell("50") });
  await rig.host.tell("runPodSandbox", { pod });
  expect(told).toEqual(["05", "90"]);
  expect(rig.host.plugins).toEqual(["05-first", "50-other", "90-last"]);
});

test("a plugin that hangs is dropped with a warning, and the call goes on without it", async () => {
  rig = await startRig({ requestTimeoutMs: 100 });
  const hung = await rig.connect("10-hung", { createContainer: never });
  await rig.connect("20-good", { createContainer: () => ({ adjust: { args: ["other"] } }) });
  const { adjust } = await rig.host.createContainer(subject);
  expect(adjust.args).toEqual(["other"]);
  expect(rig.host.plugins).toEqual(["20-good"]);
  expect(rig.logged.filter((line) => line.startsWith("warn"))).toEqual([
    expect.stringMatching(/an NRI plugin is gone.*10-hung.*no reply to CreateContainer within 100/),
  ]);
  await hung.ended;
});

test("a plugin that ends in the middle of a call is dropped, and the call goes on without it", async () => {
  rig = await startRig();
  const ending = await rig.connect("10-ending", {
    stopContainer: () => {
      ending.close();
      return never();
    },
  });
  expect(await rig.host.stopContainer(subject)).toEqual([]);
  expect(rig.host.plugins).toEqual([]);
});

test("a plugin's error fails the call, names the plugin, and leaves it connected", async () => {
  rig = await startRig();
  await rig.connect("10-strict", {
    runPodSandbox: () => {
      throw new Error("no such zone");
    },
  });
  await expect(rig.host.tell("runPodSandbox", { pod })).rejects.toMatchObject({
    code: "call_failed",
    plugin: "10-strict",
    message: "NRI plugin 10-strict: RunPodSandbox: no such zone",
  });
  expect(rig.host.plugins).toEqual(["10-strict"]);
  expect(rig.called.at(-1)).toBe("10-strict RunPodSandbox call_failed");
});

test("a plugin's error keeps no other from being told, and from what it wants of others at an end", async () => {
  rig = await startRig();
  const fail = () => {
    throw new Error("no");
  };
  const told: string[] = [];
  await rig.connect("10-failing", { removeContainer: fail, stopContainer: fail });
  await rig.connect("20-other", {
    removeContainer: () => {
      told.push("remove");
      return {};
    },
    stopContainer: () => ({ update: [{ containerId: "c2", linux: { resources: {} } }] }),
  });
  expect(await rig.host.stopContainer(subject)).toMatchObject([{ containerId: "c2" }]);
  await expect(rig.host.tell("removeContainer", subject)).rejects.toMatchObject({
    plugin: "10-failing",
  });
  expect(told).toEqual(["remove"]);
  expect(rig.logged.at(-1)).toMatch(/failed at a container's end.*10-failing: StopContainer: no/);
});

test("one event at a time: the next waits for the plugins that are still at the last", async () => {
  rig = await startRig();
  const order: string[] = [];
  const held = Promise.withResolvers<void>();
  await rig.connect("10-slow", {
    startContainer: async () => {
      order.push("start");
      await held.promise;
      order.push("started");
      return {};
    },
    removeContainer: () => {
      order.push("remove");
      return {};
    },
  });
  const start = rig.host.tell("startContainer", subject);
  const remove = rig.host.tell("removeContainer", subject);
  await until(() => order.length > 0);
  held.resolve();
  await Promise.all([start, remove]);
  expect(order).toEqual(["start", "started", "remove"]);
});

test("each plugin sees the container with what those before it want", async () => {
  rig = await startRig();
  const seen: string[][] = [];
  await rig.connect("10-a", {
    createContainer: () => ({ adjust: { env: [{ key: "MODE", value: "fast" }] } }),
  });
  await rig.connect("20-b", {
    createContainer: ({ container: shown }) => {
      seen.push(shown?.env ?? []);
      return {};
    },
  });
  const { adjust } = await rig.host.createContainer(subject);
  expect(seen).toEqual([["PATH=/bin", "MODE=fast"]]);
  expect(adjust.env).toMatchObject([{ key: "MODE", value: "fast" }]);
  expect(container.env).toEqual(["PATH=/bin", "MODE=slow"]);
});

test("two plugins that set the same fail the call", async () => {
  rig = await startRig();
  const createContainer = () => ({ adjust: { linux: { oomScoreAdj: { value: 5n } } } });
  await rig.connect("10-a", { createContainer });
  await rig.connect("20-b", { createContainer });
  await expect(rig.host.createContainer(subject)).rejects.toMatchObject({
    code: "conflict",
    message: "NRI plugins 10-a and 20-b both set OomScoreAdj of container c1",
  });
});

test("an update is what the plugins make of it, with those of others beside it", async () => {
  rig = await startRig();
  await rig.connect("10-a", {
    updateContainer: () => ({
      update: [
        { containerId: "c1", linux: { resources: { cpu: { cpus: "1" } } } },
        { containerId: "c2", linux: { resources: { cpu: { cpus: "2" } } } },
      ],
      evict: [{ containerId: "c3", reason: "old" }],
    }),
  });
  const wanted = create(LinuxResourcesSchema, {
    memory: { limit: { value: 9n } },
    cpu: { cpus: "0" },
  });
  const outcome = await rig.host.updateContainer(subject, wanted);
  expect(outcome.resources).toMatchObject({ memory: { limit: { value: 9n } }, cpu: { cpus: "1" } });
  expect(outcome.updates).toMatchObject([{ containerId: "c2" }]);
  expect(outcome.evictions).toMatchObject([{ containerId: "c3", reason: "old" }]);
});

describe("validators", () => {
  const adjusting = { createContainer: () => ({ adjust: { args: ["evil"] } }) };

  test("are shown the container as it was, what was asked for, and by whom", async () => {
    rig = await startRig();
    const shown = Promise.withResolvers<unknown>();
    await rig.connect("10-a", adjusting);
    await rig.connect("20-v", {
      validateContainerAdjustment: (request) => {
        shown.resolve(request);
        return {};
      },
    });
    await rig.host.createContainer(subject);
    expect(await shown.promise).toMatchObject({
      container: { args: ["run"] },
      adjust: { args: ["evil"] },
      owners: { owners: { c1: { simple: { 7: "10-a" } } } },
      plugins: [
        { name: "a", index: "10" },
        { name: "v", index: "20" },
      ],
    });
  });

  test("refuse a container by their word", async () => {
    rig = await startRig();
    await rig.connect("10-a", adjusting);
    await rig.connect("20-v", {
      validateContainerAdjustment: () => ({ reject: true, reason: "not these arguments" }),
    });
    await expect(rig.host.createContainer(subject)).rejects.toMatchObject({
      code: "rejected",
      message: "NRI plugin 20-v refuses the container: not these arguments",
    });
  });

  test("that do not answer refuse it too", async () => {
    rig = await startRig({ requestTimeoutMs: 100 });
    await rig.connect("20-v", { validateContainerAdjustment: never });
    await expect(rig.host.createContainer(subject)).rejects.toMatchObject({ code: "rejected" });
    expect(rig.host.plugins).toEqual([]);
  });
});

test("an older plugin takes its events by StateChange", async () => {
  rig = await startRig();
  const told: unknown[] = [];
  const unimplemented = () => {
    throw new NriError("call_failed", "unknown method", { status: grpcStatus.unimplemented });
  };
  await rig.connect("10-old", {
    startContainer: unimplemented,
    stateChange: (request) => {
      told.push(request);
      return {};
    },
  });
  await rig.host.tell("startContainer", subject);
  expect(told).toMatchObject([{ event: 6, pod: { id: "p1" }, container: { id: "c1" } }]);
});

describe("a plugin that joins", () => {
  const many = {
    pods: Array.from({ length: 300 }, (_, at) => create(PodSandboxSchema, { id: `p${at}` })),
    // 12 MB: more than two messages hold.
    containers: Array.from({ length: 3000 }, (_, at) =>
      create(ContainerSchema, { id: `c${at}`, annotations: { text: "x".repeat(4096) } }),
    ),
  };

  test("is told of each pod and container once, in as many messages as it takes", async () => {
    rig = await startRig({ things: many });
    let told: string[] = [];
    await rig.connect("10-a", {
      synchronize: ({ pods, containers }) => {
        told = [...pods, ...containers].map(({ id }) => id);
        return [];
      },
    });
    expect(told).toEqual([...many.pods, ...many.containers].map(({ id }) => id));
  });

  test("is kept out from before an event until what it is about is in the inventory", async () => {
    const things = { pods: [...many.pods.slice(0, 1)], containers: [] };
    rig = await startRig({ things });
    const release = await rig.host.hold(free);
    const told: string[] = [];
    const configured = Promise.withResolvers<void>();
    const joining = rig.connect("10-a", {
      configure: () => {
        configured.resolve();
        return {};
      },
      synchronize: ({ pods }) => {
        told.push(...pods.map(({ id }) => id));
        return [];
      },
      runPodSandbox: () => {
        told.push("event");
        return {};
      },
    });
    await configured.promise;
    await rig.host.tell("runPodSandbox", { pod });
    things.pods.push(pod);
    release();
    release();
    await joining;
    expect(told).toEqual(["p0", "p1"]);
  });

  test("holds up events while it is told, and no longer than its time", async () => {
    rig = await startRig({ registrationTimeoutMs: 200 });
    const begun = Promise.withResolvers<void>();
    const identity = { index: "10", name: "stuck" };
    await startPlugin(connect(rig.socketPath), identity, {
      synchronize: () => {
        begun.resolve();
        return never();
      },
    });
    await begun.promise;
    const impatient = AbortSignal.timeout(10);
    await expect(rig.host.hold(impatient)).rejects.toMatchObject({ code: "aborted" });
    (await rig.host.hold(free))();
    expect(rig.host.plugins).toEqual([]);
    expect(rig.logged.at(-1)).toMatch(/could not join.*10-stuck.*no reply to Synchronize/);
  });

  test("has what it wants changed done, and what fails told", async () => {
    const asked: unknown[] = [];
    rig = await startRig({
      update: async (plugin, { update }) => {
        asked.push(plugin, ...update.map(({ containerId }) => containerId));
        return update;
      },
    });
    await rig.connect("10-a", {
      synchronize: () => [create(ContainerUpdateSchema, { containerId: "c1" })],
    });
    await until(() => rig.logged.some((line) => line.includes("wants failed")));
    expect(asked).toEqual(["10-a", "c1"]);
  });

  test.each([
    ["an impossible index", { index: "1", name: "a" }, /index "1" is not two digits/],
    ["an impossible name", { index: "10", name: "a b" }, /name "a b" is not made of/],
  ])("with %s is refused", async (_what, identity, reason) => {
    rig = await startRig();
    const joining = startPlugin(connect(rig.socketPath), identity, {});
    await expect(joining).rejects.toThrow(reason);
    await until(() => rig.logged.length > 0);
    expect(rig.logged[0]).toMatch(/could not join/);
  });

  test("and asks for an event that there is none of is refused", async () => {
    rig = await startRig();
    const plugin = await startPlugin(
      connect(rig.socketPath),
      { index: "10", name: "a" },
      { configure: () => ({ events: 1 << 20 }) },
    );
    await plugin.ended;
    expect(rig.logged[0]).toMatch(/asks for events 0x100000/);
  });

  test("and never registers is given up", async () => {
    rig = await startRig({ registrationTimeoutMs: 50 });
    const silent = connect(rig.socketPath);
    await until(() => rig.logged.length > 0);
    expect(rig.logged[0]).toMatch(/not registered in 50 ms/);
    silent.destroy();
  });
});

test("a plugin's own call for updates brings back those that failed", async () => {
  rig = await startRig({ update: async (_plugin, request) => request.update.slice(1) });
  const plugin = await rig.connect("10-a", {});
  const failed = await plugin.update({ update: [{ containerId: "c1" }, { containerId: "c2" }] });
  expect(failed).toMatchObject([{ containerId: "c2" }]);
});

test("a file that cannot be started, or ends at once, harms nobody", async () => {
  rig = await startRig();
  const pluginDir = join(rig.folder, "many");
  await mkdir(pluginDir);
  const files = {
    "10-ends": "#!/bin/sh\nexit 3\n",
    "20-broken": "#!/missing/program\n",
    misnamed: "#!/bin/sh\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(pluginDir, name), text);
    await chmod(join(pluginDir, name), 0o755);
  }
  await writeFile(join(pluginDir, "30-notes.txt"), "not executable");
  const other = await startRig({ pluginDir });
  expect(other.host.plugins).toEqual([]);
  expect(other.logged.sort()).toEqual([
    expect.stringMatching(/could not be started.*20-broken/),
    expect.stringMatching(/could not join.*10-ends/),
    expect.stringMatching(/not named INDEX-NAME.*misnamed/),
  ]);
  await other.close();
});

test("the runtime's end waits for that of a plugin it has started, and tells its last words", async () => {
  rig = await startRig();
  const pluginDir = join(rig.folder, "stays");
  await mkdir(pluginDir);
  const file = join(pluginDir, "10-stays");
  const text = `#!${process.execPath}
import { Socket } from "node:net";
import { startPlugin } from ${JSON.stringify(import.meta.resolve("../dist/index.js"))};
setInterval(() => {}, 60_000);
const shutdown = () => {
  console.log("process", process.pid, "was told");
  return {};
};
await startPlugin(new Socket({ fd: 3 }), { index: "10", name: "stays" }, { shutdown });
`;
  await writeFile(file, text, { mode: 0o755 });
  const other = await startRig({ pluginDir });
  expect(other.host.plugins).toEqual(["10-stays"]);
  await other.host.close();
  const words = other.logged.find((line) => line.includes("was told"));
  const pid = Number(words?.match(/process (\d+) was told/)?.[1]);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  await other.close();
});

test("the socket is the owner's alone, and is not taken from another runtime", async () => {
  rig = await startRig();
  expect((await stat(rig.socketPath)).mode & 0o777).toBe(0o600);
  await expect(startRig({ socketPath: rig.socketPath })).rejects.toMatchObject({
    code: "socket_in_use",
  });
});

test("plugins are told of the runtime's end, and one that hangs at it is not waited for", async () => {
  rig = await startRig({ shutdownTimeoutMs: 500 });
  let told = 0;
  const plugins = [
    await rig.connect("10-a", {
      shutdown: () => {
        told++;
        return {};
      },
    }),
    await rig.connect("20-b", { shutdown: never }),
  ];
  const silent = connect(rig.socketPath);
  await delay(0);
  await rig.host.close();
  expect(told).toBe(1);
  for (const plugin of plugins) await plugin.ended;
  silent.destroy();
});
