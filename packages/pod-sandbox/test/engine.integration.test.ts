import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import {
  apiAtLeast,
  type ContainerPlanInput,
  planContainer,
  planSandbox,
  planUpdate,
  toContainer,
  toContainerStatus,
  toPodSandboxStatus,
  validateContainerConfigs,
  validateSandboxConfig,
} from "../src/index.js";
import {
  bytes,
  containerConfig,
  resources,
  sandboxConfig,
  thrown,
  validResources,
} from "./configs.js";
import { connectEngine, type Engine } from "./engine.js";

// Whether a real engine takes what is planned, does it, and tells it back.

type Init = NonNullable<Parameters<typeof containerConfig>[0]>;
type SandboxInit = NonNullable<Parameters<typeof sandboxConfig>[0]>;

let engine: Engine;
let image: { id: string; ref: string };
let directory: string;

beforeAll(async () => {
  engine = await connectEngine();
  const name = process.env.LAB_IMAGE ?? "";
  const { Id } = JSON.parse((await engine.call("GET", `/images/${name}/json`)).toString());
  image = { id: Id, ref: Id };
  directory = mkdtempSync(join(process.env.LAB_RUN_DIR ?? "/tmp", "pod-sandbox-"));
});
afterEach(() => engine.clean());
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let pod: ReturnType<typeof sandboxConfig>;
let sandboxId: string;

async function runSandbox(init: SandboxInit = {}): Promise<void> {
  const metadata = { name: "pod", namespace: "test", uid: randomUUID(), attempt: 0 };
  pod = sandboxConfig({ metadata, logDirectory: directory, ...init });
  const config = pod;
  validateSandboxConfig(config);
  const plan = planSandbox({
    ...{ config, runtimeHandler: "", image: image.id, engine: engine.facts },
    ...{ instance: "test", networkMode: "none" },
  });
  // The lab's image stands in for the pause image.
  sandboxId = await engine.create({ ...plan, body: { ...plan.body, Cmd: ["sleep", "600"] } });
  await engine.call("POST", `/containers/${sandboxId}/start`);
}

async function create(init: Init, rest: Partial<ContainerPlanInput> = {}): Promise<string> {
  const configs = { config: containerConfig(init), sandboxConfig: pod };
  validateContainerConfigs(configs);
  const plan = planContainer({
    ...{ ...configs, image, engine: engine.facts },
    ...{ sandbox: { id: sandboxId, runtimeHandler: "" }, instance: "test" },
    ...rest,
  });
  return engine.create(plan);
}

/** Runs a shell script in a container and returns its output. */
async function run(script: string, init: Init = {}, rest: Partial<ContainerPlanInput> = {}) {
  const id = await create({ command: ["sh", "-c"], args: [script], ...init }, rest);
  await engine.call("POST", `/containers/${id}/start`);
  return (await engine.output(id)).trim();
}

function hasAllCapabilities(): boolean {
  const [, text = "0"] =
    /CapEff:\s+([0-9a-f]+)/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  const last = Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8"));
  return BigInt(`0x${text}`) === 2n ** BigInt(last + 1) - 1n;
}

const version = process.env.LAB_DOCKER_VERSION ?? "";
const withImageVolumes = apiAtLeast(version, "28.0") ? test : test.skip;
// Docker 20.10 asks for every capability the kernel knows, even where it has not got them.
const withPrivilege = apiAtLeast(version, "23.0") || hasAllCapabilities() ? test : test.skip;

describe("a sandbox", () => {
  test("is taken by the engine and told back", async () => {
    await runSandbox({
      labels: { app: "web" },
      annotations: { big: "x".repeat(200_000) },
      dnsConfig: { servers: ["10.0.0.10"], searches: ["svc"], options: ["ndots:5"] },
      linux: { sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" } },
    });
    const inspect = await engine.inspect(sandboxId);
    expect(toPodSandboxStatus({ inspect, ips: ["10.1.2.3"] })).toMatchObject({
      state: PodSandboxState.SANDBOX_READY,
      ...{ metadata: pod.metadata, labels: pod.labels, annotations: pod.annotations },
      network: { ip: "10.1.2.3" },
    });
    const script = "cat /etc/resolv.conf /proc/sys/net/ipv4/ip_unprivileged_port_start; hostname";
    const text = await run(script);
    expect(text).toContain("nameserver 10.0.0.10");
    expect(text).toContain("search svc");
    expect(text).toContain("options ndots:5");
    expect(text).toMatch(/\n0\nweb-0$/);
  });

  test("keeps the node's search list out of resolv.conf", async () => {
    await runSandbox({ dnsConfig: { servers: ["10.0.0.10"] } });
    expect(await run("cat /etc/resolv.conf")).not.toMatch(/^search/m);
  });

  test("can have the node's namespaces", async () => {
    const namespaceOptions = { network: 2, pid: 2, ipc: 2 };
    await runSandbox({ hostname: "", linux: { securityContext: { namespaceOptions } } });
    const script = "for name in net ipc pid uts; do readlink /proc/self/ns/$name; done";
    const seen = await run(script, { linux: { securityContext: { namespaceOptions } } });
    const own = ["net", "ipc", "pid", "uts"].map((name) => readlinkSync(`/proc/self/ns/${name}`));
    expect(seen.split("\n")).toEqual(own);
  });
});

describe("a container", () => {
  beforeEach(() => runSandbox());

  test("runs its process as asked", async () => {
    const init: Init = {
      workingDir: "/var",
      envs: [
        { key: "A", value: bytes("1") },
        { key: "A", value: bytes("grün $(B)") },
      ],
      linux: {
        securityContext: {
          ...{ runAsUser: { value: 1000n }, runAsGroup: { value: 2000n }, noNewPrivs: true },
          supplementalGroups: [3000n],
          supplementalGroupsPolicy: 1,
          capabilities: { dropCapabilities: ["ALL"], addCapabilities: ["net_admin"] },
          seccomp: { profileType: 0 },
          readonlyRootfs: true,
          maskedPaths: ["/proc/version"],
          readonlyPaths: ["/proc/sys"],
        },
      },
    };
    const text = await run(
      `pwd; echo "$A"; id -u; id -g; id -G; grep -E 'CapBnd|NoNewPrivs|^Seccomp:' /proc/self/status
      wc -c < /proc/version; grep -c ' /proc/sys ro' /proc/self/mountinfo; touch /x 2>&1`,
      init,
    );
    expect(text.replace(/\t/g, " ").split("\n")).toEqual([
      ...["/var", "grün $(B)", "1000", "2000", "2000 3000", "CapBnd: 0000000000001000"],
      ...["NoNewPrivs: 1", "Seccomp: 2", "0", "1", expect.stringContaining("Read-only")],
    ]);
  });

  test("is unconfined where CRI names no profile, and confined by the one it names", async () => {
    const status = "grep '^Seccomp:' /proc/self/status; mkdir /x 2>&1";
    expect(await run(status, { linux: { securityContext: {} } })).toMatch(/^Seccomp:\s+0$/);
    const seccompProfile = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
    });
    const seccomp = { profileType: 2, localhostRef: "/profile.json" };
    const init: Init = { metadata: { name: "b" }, linux: { securityContext: { seccomp } } };
    const text = await run(status, init, { seccompProfile });
    expect(text).toMatch(/^Seccomp:\s+2\nmkdir: .*not permitted$/);
  });

  test("shares or keeps its pid namespace as asked", async () => {
    const own = { linux: { securityContext: { namespaceOptions: { pid: 1 } } } };
    expect(await run("echo $$", own)).toBe("1");
    const shared = { metadata: { name: "b" }, linux: { securityContext: {} } };
    expect(await run("cat /proc/1/comm", shared)).toBe("sleep");
  });

  test("has its limits", async () => {
    const limits = resources({
      ...{ cpuShares: 512n, cpuPeriod: 100_000n, cpuQuota: 20_000n, cpusetCpus: "0" },
      ...{ memoryLimitInBytes: 64n << 20n, oomScoreAdj: 500n },
    });
    const id = await create({ linux: { resources: limits } });
    const status = toContainerStatus({ inspect: await engine.inspect(id) });
    const reported = {
      ...limits,
      memorySwapLimitInBytes: status.resources?.linux?.memorySwapLimitInBytes,
    };
    expect(status.resources?.linux).toEqual(reported);
    const script = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /proc/self/oom_score_adj";
    const v1 = await run(script, { metadata: { name: "b" }, linux: { resources: limits } });
    if (engine.facts.cgroupVersion === 1) expect(v1).toBe(`${64 << 20}\n500`);
  });

  test("takes an update of its limits, and memory can be lifted", async () => {
    const init: Init = {
      ...{ command: ["sleep"], args: ["600"] },
      linux: { resources: resources({ memoryLimitInBytes: 64n << 20n }) },
    };
    const id = await create(init);
    await engine.call("POST", `/containers/${id}/start`);
    const update = async (changes: Parameters<typeof resources>[0]) => {
      const { body } = planUpdate({ resources: validResources(changes), engine: engine.facts });
      await engine.call("POST", `/containers/${id}/update`, body);
      return toContainerStatus({ inspect: await engine.inspect(id) }).resources?.linux;
    };
    expect(await update({ memoryLimitInBytes: 128n << 20n, cpuShares: 100n })).toMatchObject({
      ...{ memoryLimitInBytes: 128n << 20n, cpuShares: 100n },
    });
    expect(await update({ cpuQuota: 50_000n, cpuPeriod: 100_000n })).toMatchObject({
      ...{ memoryLimitInBytes: 128n << 20n, cpuShares: 100n, cpuQuota: 50_000n },
    });
    expect(await update({ memoryLimitInBytes: -1n })).toMatchObject({ memoryLimitInBytes: 0n });
  });

  test("has its mounts, with their propagation", async () => {
    const source = join(directory, "plain");
    mkdirSync(source);
    writeFileSync(join(source, "file"), "hello");
    const mounts = [0, 1, 2].map((propagation) => ({
      ...{ hostPath: source, containerPath: `/m/${propagation}`, propagation },
      readonly: propagation === 1,
    }));
    const init: Init = { mounts };
    const text = await run(
      "cat /m/0/file; touch /m/1/x 2>&1; grep ' /m/' /proc/self/mountinfo",
      init,
    );
    expect(text).toMatch(/^hello/);
    expect(text).toContain("Read-only file system");
    const optional = (target: string) =>
      text
        .split("\n")
        .find((line) => line.includes(` ${target} `))
        ?.split(" - ")[0] ?? "";
    expect(optional("/m/0")).not.toMatch(/shared:|master:/);
    expect(optional("/m/1")).toMatch(/ ro,.*master:/);
    expect(optional("/m/2")).toMatch(/ rw,.*shared:/);
    const id = await create({ ...init, metadata: { name: "b" } });
    const status = toContainerStatus({ inspect: await engine.inspect(id) });
    expect(status.mounts).toMatchObject(mounts);
  });

  test("has recursively read-only mounts where the engine can, else is refused", async () => {
    const mounts = [
      { hostPath: "/dev", containerPath: "/m", readonly: true, recursiveReadOnly: true },
    ];
    const script = "grep ' /m/' /proc/self/mountinfo";
    if (!apiAtLeast(engine.facts.apiVersion, "1.44")) {
      const configs = { config: containerConfig({ mounts }), sandboxConfig: pod };
      validateContainerConfigs(configs);
      const plan = () =>
        planContainer({
          ...{ ...configs, image, instance: "test" },
          ...{ sandbox: { id: sandboxId, runtimeHandler: "" }, engine: engine.facts },
        });
      expect(thrown(plan)).toMatchObject({ code: "unimplemented" });
      return;
    }
    const below = (await run(script, { mounts })).split("\n").map((line) => line.split(" ")[5]);
    expect(below.length).toBeGreaterThan(0);
    for (const options of below) expect(options).toMatch(/^ro/);
    const plain = mounts.map((mount) => ({ ...mount, recursiveReadOnly: false }));
    const writable = await run(script, { metadata: { name: "b" }, mounts: plain });
    expect(writable).toMatch(/ rw,/);
  });

  withImageVolumes("has an image volume with a sub-path where the engine can", async () => {
    const mounts = [
      { containerPath: "/data", image: { image: image.id }, imageSubPath: "etc", readonly: true },
    ];
    const imageMounts = new Map([[image.id, image]]);
    const text = await run(
      "head -c 5 /data/passwd; touch /data/x 2>&1",
      { mounts },
      { imageMounts },
    );
    expect(text).toMatch(/^root:.*Read-only/s);
  });

  test("has its devices with their permissions", async () => {
    // No driver has this number, so what the device cgroup lets through fails differently.
    const hostPath = join(directory, "node");
    execFileSync("mknod", [hostPath, "c", "240", "77"]);
    const devices = [{ hostPath, containerPath: "/dev/test", permissions: "r" }];
    const text = await run("(cat < /dev/test) 2>&1; (echo x > /dev/test) 2>&1", { devices });
    const [reading, writing] = text.split("\n");
    expect(reading).toContain("No such device");
    expect(writing).toContain("not permitted");
  });

  withPrivilege("is privileged where asked for", async () => {
    const script = "grep CapEff /proc/self/status; grep -c ' /proc/.* ro' /proc/self/mountinfo";
    const plain = await run(script, {
      linux: { securityContext: { maskedPaths: ["/proc/kcore"] } },
    });
    const privileged = await run(script, {
      ...{ metadata: { name: "b" } },
      linux: { securityContext: { privileged: true, maskedPaths: ["/proc/acpi"] } },
    });
    const caps = (text: string) => BigInt(`0x${/CapEff:\s+([0-9a-f]+)/.exec(text)?.[1]}`);
    expect(caps(privileged)).toBeGreaterThan(caps(plain));
    expect(privileged).toMatch(/\n0$/);
  });

  test("keeps the image's labels out of CRI's and tells how it ended", async () => {
    const labels = { app: "web", "io.dockershim.odd": "1", "annotation.odd": "2" };
    const annotations = { "a/b": "c" };
    const command = ["sh", "-c", "exit 3"];
    const id = await create({ command, labels, annotations, stopSignal: 38 });
    const before = await engine.inspect(id);
    expect(toContainer({ inspect: before }).state).toBe(ContainerState.CONTAINER_CREATED);
    await engine.call("POST", `/containers/${id}/start`);
    await engine.output(id);
    const status = toContainerStatus({ inspect: await engine.inspect(id) });
    expect(status).toMatchObject({
      ...{ labels, annotations, stopSignal: 38, exitCode: 3, reason: "Error" },
      state: ContainerState.CONTAINER_EXITED,
    });
    expect(status.finishedAt).toBeGreaterThanOrEqual(status.startedAt);
    expect(status.startedAt).toBeGreaterThan(status.createdAt);
  });

  test("that cannot run has exited, with the reason", async () => {
    const id = await create({ command: ["/no/such/program"] });
    await expect(engine.call("POST", `/containers/${id}/start`)).rejects.toThrow(/no such file/);
    const status = toContainerStatus({ inspect: await engine.inspect(id) });
    expect(status).toMatchObject({
      ...{ state: ContainerState.CONTAINER_EXITED, exitCode: 127, reason: "ContainerCannotRun" },
      message: expect.stringContaining("no such file"),
    });
  });
});
