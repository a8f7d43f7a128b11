import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SecurityProfile_ProfileType as ProfileType } from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createHarness, type Harness } from "./harness.js";

// Plugins as their makers publish them, each doing on a pod what it is there for.

/** Where containers/nri-plugins' memory-policy puts the program that it mounts into containers. */
const injected = "/mnt/nri-memory-policy-mpolset";
const vendor = `test-${process.pid}.dockershim`;

let h: Harness;
let socket: string;
let nvidia: ChildProcess | undefined;
/** Where the engine looks for CDI devices. */
let cdiFolder: string;
let cdiFolderMade = false;
let injectedMade = false;
/** What the daemon and the plugins that it has started say. */
const said: string[] = [];

beforeAll(async () => {
  injectedMade = !existsSync(injected);
  h = await createHarness({}, pino({ level: "debug" }, { write: (line) => void said.push(line) }));
  const pluginDir = join(h.dir, "plugins");
  mkdirSync(pluginDir);
  const config = join(h.dir, "memory-policy.yaml");
  writeFileSync(config, "injectMpolset: true\n");
  // It makes that program ready only when its configuration is a file of its own.
  const launcher = join(pluginDir, "10-memory-policy");
  writeFileSync(
    launcher,
    `#!/bin/sh\nexec ${labVariable("NRI_MEMORY_POLICY")} -vv -config ${config}\n`,
  );
  chmodSync(launcher, 0o755);
  socket = join(h.dir, "nri.sock");
  await h.restart({ nriSocket: socket, nriPluginDir: pluginDir });
  await startNvidia();
});

afterAll(async () => {
  if (nvidia !== undefined && nvidia.exitCode === null && nvidia.signalCode === null) {
    nvidia.kill("SIGKILL");
    await once(nvidia, "exit");
  }
  await h.close();
  if (injectedMade) rmSync(injected, { recursive: true, force: true });
  if (cdiFolder !== undefined) rmSync(join(cdiFolder, `${vendor}.json`), { force: true });
  if (cdiFolderMade) rmdirSync(cdiFolder);
});

/** NVIDIA's container toolkit, run as its GPU operator runs it on a node; there is no GPU to be found. */
async function startNvidia(): Promise<void> {
  const { CDISpecDirs } = await h.docker.info();
  cdiFolder = CDISpecDirs?.at(-1) ?? "";
  expect(cdiFolder).not.toBe("");
  cdiFolderMade = !existsSync(cdiFolder);
  mkdirSync(cdiFolder, { recursive: true });
  const containerEdits = {
    env: ["NVIDIA_VISIBLE_DEVICES=void"],
    deviceNodes: [{ path: "/dev/nvidia0", hostPath: "/dev/null" }],
  };
  const spec = {
    cdiVersion: "0.5.0",
    kind: `${vendor}/gpu`,
    devices: [{ name: "0", containerEdits }],
  };
  writeFileSync(join(cdiFolder, `${vendor}.json`), JSON.stringify(spec));
  const empty = join(h.dir, "artifacts");
  mkdirSync(empty);
  const flags = {
    "no-runtime-config": "true",
    "toolkit-install-dir": join(h.dir, "nvidia"),
    // There are no parts of NVIDIA's driver that it could install.
    "toolkit-source-root": empty,
    "ignore-errors": "true",
    "create-device-nodes": "none",
    "cdi-output-dir": "",
    "pid-file": join(h.dir, "toolkit.pid"),
    "enable-nri-plugin": "true",
    "nri-socket": socket,
    "nri-namespace": "gpu-operator",
    "nri-plugin-index": "20",
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  nvidia = spawn(labVariable("NRI_NVIDIA_INSTALLER"), args, { stdio: "ignore" });
  await until(() => said.some((line) => line.includes("20-nvidia-ctk-installer")));
}

const numaMaps = ["cat", "/proc/self/numa_maps"];
/** As the kubelet asks by default; Docker's own profile lets nobody set a memory policy. */
const linux = { securityContext: { seccomp: { profileType: ProfileType.Unconfined } } };

test("memory-policy gives a container the policy that its pod's annotation names", async () => {
  const policy = 'mode: MPOL_INTERLEAVE\nnodes: "0"\n';
  const annotations = { "policy.memory-policy.nri.io": policy };
  const { containerId } = await h.runPod({ annotations }, { command: numaMaps, linux });
  expect(await h.logOf(containerId)).toMatch(/ interleave:0 /);
  const plain = await h.runPod({}, { command: numaMaps, linux });
  expect(await h.logOf(plain.containerId)).not.toMatch(/interleave/);
});

test("what memory-policy refuses fails the call with its reason, and leaves no container", async () => {
  const annotations = { "class.memory-policy.nri.io": "fastest" };
  const config = h.sandboxConfig({ annotations });
  const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
  const create = h.cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: h.containerConfig(),
  });
  await expect(create).rejects.toThrow(
    /10-memory-policy: .*class "fastest" not found in configuration/,
  );
  const { containers } = await h.cri.runtime.listContainers({ filter: { podSandboxId } });
  expect(containers).toEqual([]);
});

test("NVIDIA's toolkit gives a container the device that its pod's annotation names", async () => {
  const annotations = { "nvidia.cdi.k8s.io/container.main": `${vendor}/gpu=0` };
  const command = ["sh", "-c", "echo $NVIDIA_VISIBLE_DEVICES; test -c /dev/nvidia0 && echo there"];
  const { containerId } = await h.runPod({ annotations }, { command });
  expect(await h.logOf(containerId)).toBe("void\nthere");
  const plain = await h.runPod({}, { command: ["sh", "-c", "test -e /dev/nvidia0 || echo none"] });
  expect(await h.logOf(plain.containerId)).toBe("none");
});

test("both do their work on one container", async () => {
  const annotations = {
    "policy.memory-policy.nri.io/container.main": 'mode: MPOL_BIND\nnodes: "0"\n',
    "nvidia.cdi.k8s.io": `${vendor}/gpu=0`,
  };
  const command = ["sh", "-c", "test -c /dev/nvidia0 && cat /proc/self/numa_maps"];
  const { containerId } = await h.runPod({ annotations }, { command, linux });
  expect(await h.logOf(containerId)).toMatch(/ bind:0 /);
});

test("NVIDIA's plugin killed while it is asked: the container is created without it", async () => {
  const annotations = { "nvidia.cdi.k8s.io": `${vendor}/gpu=0` };
  const config = h.sandboxConfig({ annotations });
  const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
  nvidia?.kill("SIGSTOP");
  const asked = said.length;
  const created = h.cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: h.containerConfig(),
  });
  // The other plugin has been asked before it, by its index.
  await until(() => said.slice(asked).some((line) => line.includes("CreateContainer test/")));
  nvidia?.kill("SIGKILL");
  const { containerId } = await created;
  await h.cri.runtime.startContainer({ containerId });
  const { stdout } = await h.cri.runtime.execSync({
    containerId,
    cmd: ["sh", "-c", "test -e /dev/nvidia0 || echo none"],
  });
  expect(Buffer.from(stdout).toString()).toBe("none\n");
  expect(said.slice(asked).join("")).toMatch(/20-nvidia-ctk-installer/);
});
