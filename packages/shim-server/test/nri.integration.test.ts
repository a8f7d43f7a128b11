import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Timelines } from "@dockershim/cri-types/timelines";
import {
  IOPrioClass,
  LinuxSchedulerPolicy,
  type PluginHandlers,
  type RunningPlugin,
  startPlugin,
} from "@dockershim/nri";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

let h: Harness;
let socket: string;
let plugins: RunningPlugin[] = [];

const hooked = apiAtLeast(labVariable("LAB_DOCKER_VERSION"), "23.0");

beforeAll(async () => {
  h = await createHarness();
  socket = join(h.dir, "nri", "nri.sock");
  await h.restart({
    nriSocket: socket,
    nriPluginDir: join(h.dir, "plugins"),
    nriRegistrationTimeoutMs: 60_000,
    nriRequestTimeoutMs: 60_000,
  });
});
afterEach(async () => {
  for (const plugin of plugins) plugin.close();
  for (const plugin of plugins) await plugin.ended;
  plugins = [];
});
afterAll(() => h.close());

async function plugIn(handlers: PluginHandlers): Promise<RunningPlugin> {
  const synchronized = Promise.withResolvers<void>();
  const plugin = await startPlugin(
    connect(socket),
    { index: "10", name: "test" },
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

test("what a plugin wants is there in the container, and its status has the limits", async () => {
  const shared = join(h.dir, "shared");
  mkdirSync(shared);
  writeFileSync(join(shared, "file"), "from the host");
  const ids: string[] = [];
  await plugIn({
    createContainer: ({ container }) => {
      ids.push(container?.id ?? "");
      return {
        adjust: {
          env: [
            { key: "ADDED", value: "a=b" },
            { key: "-HOSTNAME", value: "" },
          ],
          args: [
            "/bin/sh",
            "-c",
            '/bin/echo "$ADDED"; /bin/busybox env | /bin/busybox grep -c ^HOSTNAME=; /bin/busybox cat /m/file; ' +
              'echo; ulimit -n; /bin/busybox touch /m/new 2>/dev/null || echo read-only; /bin/busybox grep " /t " /proc/mounts',
          ],
          mounts: [
            { destination: "/m", type: "bind", source: shared, options: ["rbind", "ro"] },
            { destination: "/t", type: "tmpfs", source: "tmpfs", options: ["size=64k"] },
          ],
          rlimits: [{ type: "RLIMIT_NOFILE", soft: 123n, hard: 456n }],
          linux: {
            resources: {
              cpu: { shares: { value: 77n } },
              memory: { limit: { value: 64n << 20n } },
            },
          },
        },
      };
    },
  });
  const { containerId } = await h.runPod({}, { args: ["never"] });
  const lines = (await h.logOf(containerId)).split("\n");
  expect(lines.slice(0, 5)).toEqual(["a=b", "0", "from the host", "123", "read-only"]);
  expect(lines[5]).toMatch(/^tmpfs \/t tmpfs .*size=64k/);
  expect(ids).toHaveLength(2);
  expect(ids[1]).toBe(containerId);
  const { status } = await h.cri.runtime.containerStatus({ containerId });
  expect(status?.resources?.linux).toMatchObject({
    cpuShares: 77n,
    memoryLimitInBytes: 64n << 20n,
  });
});

test("limits alone are given to the container that is there", async () => {
  const ids: string[] = [];
  await plugIn({
    createContainer: ({ container }) => {
      ids.push(container?.id ?? "");
      return { adjust: { linux: { resources: { cpu: { cpus: "0" }, pids: { limit: 99n } } } } };
    },
  });
  const { containerId } = await h.runPod();
  expect(ids).toEqual([containerId]);
  const { HostConfig } = await h.docker.containers.inspect(containerId);
  expect(HostConfig).toMatchObject({ CpusetCpus: "0", PidsLimit: 99 });
});

(hooked ? test : test.skip)("an OCI hook runs by way of the spec hook", async () => {
  const program = join(h.dir, "hook.sh");
  const trace = join(h.dir, "hook-ran");
  writeFileSync(program, `#!/bin/sh\ncat > ${trace}\n`);
  chmodSync(program, 0o755);
  await plugIn({
    createContainer: () => ({ adjust: { hooks: { createRuntime: [{ path: program }] } } }),
  });
  const { containerId } = await h.runPod();
  expect(existsSync(trace)).toBe(true);
  expect(JSON.parse(readFileSync(trace, "utf8"))).toMatchObject({ id: containerId });
});

test("what it takes is in the pod's timeline, by plugin", async () => {
  await plugIn({ runPodSandbox: () => ({}), createContainer: () => ({}) });
  const { podSandboxId } = await h.runPod();
  const { pods } = await h.cri.service(Timelines).listPodTimelines({ pod: podSandboxId });
  const spans = pods.flatMap(({ calls }) =>
    calls.flatMap(({ method, spans: all }) =>
      all.filter(({ name }) => name.startsWith("nri")).map(({ name }) => `${method}: ${name}`),
    ),
  );
  expect(spans).toEqual(
    expect.arrayContaining([
      "RunPodSandbox: nri RunPodSandbox 10-test",
      "CreateContainer: nri CreateContainer 10-test",
    ]),
  );
});

/** runc passes over what it does not know, so the plan refuses it: OCI 1.1 came with runc 1.2, and 1.3 with 1.4. */
async function runcIs(version: string): Promise<boolean> {
  const runc = (await h.docker.version()).Components?.find(({ Name }) => Name === "runc");
  return apiAtLeast(runc?.Version ?? "", version);
}

(hooked ? test : test.skip)(
  "I/O priority, scheduler and a namespace are the process's own",
  async () => {
    await plugIn({
      createContainer: () => ({
        adjust: {
          linux: {
            ioPriority: { class: IOPrioClass.IOPRIO_CLASS_BE, priority: 6 },
            scheduler: { policy: LinuxSchedulerPolicy.SCHED_BATCH, nice: 4 },
            namespaces: [{ type: "cgroup" }],
          },
        },
      }),
    });
    const look = "ionice; cat /proc/self/stat; readlink /proc/self/ns/cgroup";
    const run = h.runPod({}, { command: ["sh", "-c", look] });
    if (!(await runcIs("1.2"))) {
      await expect(run).rejects.toThrow(/process\.\w+ needs a runtime of OCI's specification 1\.1/);
      return;
    }
    const [priority, stat = "", namespace] = (await h.logOf((await run).containerId)).split("\n");
    expect(priority).toMatch(/best-effort.*6/);
    // Behind the name in parentheses, beginning with the third field: nice and policy (proc_pid_stat(5)).
    const fields = stat.split(") ")[1]?.split(" ") ?? [];
    expect([fields[19 - 3], fields[41 - 3]]).toEqual(["4", "3"]);
    expect(namespace).toMatch(/^cgroup:/);
    expect(namespace).not.toBe(readlinkSync("/proc/self/ns/cgroup"));
  },
);

(hooked ? test : test.skip)("a network device of the host is in the container", async () => {
  const name = `nri${process.pid % 100_000}`;
  const ip = (...args: string[]) => execFileSync("ip", ["link", ...args]);
  ip("add", name, "type", "veth", "peer", "name", `${name}p`);
  try {
    await plugIn({
      createContainer: () => ({
        adjust: { linux: { netDevices: { [name]: { name: "given0" } } } },
      }),
    });
    const run = h.runPod({}, { command: ["cat", "/proc/net/dev"] });
    if (await runcIs("1.4")) {
      expect(await h.logOf((await run).containerId)).toMatch(/^ *given0:/m);
    } else {
      await expect(run).rejects.toThrow(/netDevices needs a runtime of OCI's specification 1\.3/);
    }
  } finally {
    // Its other end goes with it.
    ip("delete", `${name}p`);
  }
});

test("a plugin is told of ends that nobody asked for, and of containers that somebody removes", async () => {
  const told: string[] = [];
  const note = (event: string) => (request: { container?: { id: string } | undefined }) => {
    told.push(`${event} ${request.container?.id}`);
    return {};
  };
  await plugIn({
    postStartContainer: note("started"),
    stopContainer: note("stop"),
    removeContainer: note("remove"),
  });
  const { containerId } = await h.runPod({}, { command: ["sh", "-c", "exit 3"] });
  await until(() => told.length === 2);
  await h.docker.containers.remove(containerId, { force: true });
  await until(() => told.length === 3);
  expect(told).toEqual([`started ${containerId}`, `stop ${containerId}`, `remove ${containerId}`]);
});
