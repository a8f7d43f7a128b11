import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type RunningPlugin, startPlugin } from "@dockershim/nri";
import { apiAtLeast } from "@dockershim/pod-sandbox";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { unhooked } from "./hooked-engine.js";

let h: Harness;
let socket: string;
let plugin: RunningPlugin | undefined;
const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");
/** A whole disk; one that is nobody's serves as well. */
const disk = readdirSync("/sys/block").find((name) => existsSync(`/dev/${name}`));
const podKey = "blockio.resources.beta.kubernetes.io/pod";

beforeAll(async () => {
  h = await createHarness();
  socket = join(h.dir, "nri.sock");
  const file = join(h.dir, "blockio.yaml");
  const rules = `[{Devices: [/dev/${disk}], ThrottleReadBps: 3M, ThrottleWriteIOPS: 77}]`;
  writeFileSync(file, `Classes:\n  slow: ${rules}\n  weighed: [{Weight: 123}]\n`);
  await h.restart({
    blockioConfigFile: file,
    nriSocket: socket,
    nriPluginDir: join(h.dir, "none"),
    nriRegistrationTimeoutMs: 60_000,
    nriRequestTimeoutMs: 60_000,
  });
});
afterEach(async () => {
  plugin?.close();
  await plugin?.ended;
  plugin = undefined;
});
afterAll(() => h.close());

async function plugIn(adjust: object): Promise<void> {
  const synchronized = Promise.withResolvers<void>();
  plugin = await startPlugin(
    connect(socket),
    { index: "10", name: "test" },
    {
      createContainer: () => ({ adjust }),
      synchronize: async () => {
        synchronized.resolve();
        return [];
      },
    },
  );
  await synchronized.promise;
}

async function read(containerId: string, ...files: string[]): Promise<string> {
  const { stdout } = await h.cri.runtime.execSync({ containerId, cmd: ["cat", ...files] });
  return Buffer.from(stdout).toString();
}

/** What the container itself sees of its throttles. */
async function throttles(containerId: string): Promise<string> {
  if (v2) return await read(containerId, "/sys/fs/cgroup/io.max");
  const folder = "/sys/fs/cgroup/blkio/blkio.throttle";
  return await read(containerId, `${folder}.read_bps_device`, `${folder}.write_iops_device`);
}

const throttled = v2 ? /rbps=3000000 .*wiops=77/ : /^\d+:\d+ 3000000\n\d+:\d+ 77\n$/;

(disk ? test : test.skip)("a class that an annotation names throttles its container", async () => {
  const { containerId } = await h.runPod({ annotations: { [podKey]: "slow" } });
  expect(await throttles(containerId)).toMatch(throttled);
});

(disk ? test : test.skip)("and so does one that an NRI plugin names", async () => {
  await plugIn({ linux: { resources: { blockioClass: { value: "slow" } } } });
  const { containerId } = await h.runPod();
  expect(await throttles(containerId)).toMatch(throttled);
});

test("a weight is given, or refused where the kernel has none, and then there is no container", async () => {
  const config = h.sandboxConfig({ annotations: { [podKey]: "weighed" } });
  const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
  const before = await h.dockerIds();
  try {
    const { containerId } = await h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig(),
    });
    const { HostConfig } = await h.docker.containers.inspect(containerId);
    expect(HostConfig).toMatchObject({ BlkioWeight: 123 });
  } catch (err) {
    expect(err).toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(/block-I\/O class: .*weight.*discarded/i),
    });
    expect(await h.dockerIds()).toEqual(before);
  }
});

test("an unknown class is refused by its name, and nothing is made", async () => {
  const config = h.sandboxConfig({ annotations: { [podKey]: "odd" } });
  const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
  const before = await h.dockerIds();
  const created = h.cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: h.containerConfig(),
  });
  await expect(created).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringContaining('no block-I/O class "odd"; it has slow, weighed'),
  });
  expect(await h.dockerIds()).toEqual(before);
});

(existsSync("/sys/fs/resctrl/schemata") ? test.skip : test)(
  "a class of RDT is refused where the kernel has no resctrl",
  async () => {
    const annotations = { "rdt.resources.beta.kubernetes.io/pod": "gold" };
    await expect(h.runPod({ annotations })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(/rdt\.resources.*the node has no RDT: resctrl is not mounted/),
    });
  },
);

(unhooked ? test.skip : test)(
  "a memory policy is the process's, or refused where runc knows none",
  async () => {
    const memoryPolicy = { mode: 3, nodes: "0", flags: [] };
    await plugIn({ linux: { memoryPolicy } });
    const runc = (await h.docker.version()).Components?.find(({ Name }) => Name === "runc");
    const run = h.runPod({}, { command: ["cat", "/proc/self/numa_maps"] });
    if (apiAtLeast(runc?.Version ?? "", "1.4")) {
      expect(await h.logOf((await run).containerId)).toMatch(/ interleave:0 /);
      return;
    }
    await expect(run).rejects.toMatchObject({
      code: "UNIMPLEMENTED",
      message: expect.stringMatching(/linux\.memoryPolicy needs a runtime of .* 1\.3/),
    });
  },
);
