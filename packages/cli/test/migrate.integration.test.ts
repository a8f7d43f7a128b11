import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createCni, k8sArgs, parseNetworkConfig } from "@dockershim/cni";
import { createCriClient } from "@dockershim/cri-client";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { checkpointChecksum } from "@dockershim/pod-sandbox";
import { answers, labVariable, until } from "@dockershim/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { labConfig } from "../../../lab/config.ts";
import { down, up } from "../../../lab/up-down.ts";
import { bin, runBin, startBin } from "./dockershim-bin.js";
import { createFakeNode, type FakeNode } from "./fake-node.js";

// The command as it is installed, real daemons, which a stand-in for systemd starts, and pods on a real engine
// under the names, labels and checkpoints of cri-dockerd.

// An engine of its own: cri-dockerd lists all pods of an engine, its stand-in here none of other tests' daemons.
const config = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-migrate` });
let dockerEndpoint: string;
// A real one, where somebody has built it; else our own under its name.
const { CRI_DOCKERD: realCriDockerd } = process.env;
const dockershim = `${process.execPath} ${bin}`;

let node: FakeNode;
let docker: DockerClient;
let made: string[];
let pids: number[];

beforeAll(async () => {
  Object.assign(process.env, await up(config));
  dockerEndpoint = labVariable("LAB_DOCKER_ENDPOINT");
});

afterAll(async () => {
  await down(config);
});

beforeEach(async () => {
  made = [];
  docker = createDockerClient({ endpoint: dockerEndpoint });
  node = await createFakeNode(
    {
      "kubelet.service": { enabled: true, start: "exec sleep 100000" },
      "cri-docker.service": {
        enabled: true,
        start:
          `exec ${realCriDockerd ?? `${dockershim} cri-dockerd`} ` +
          `--container-runtime-endpoint=unix://$1/old.sock --docker-endpoint=${dockerEndpoint} ` +
          `--cri-dockerd-root-directory=$1/root/var/lib/cri-dockerd --network-plugin=cni ` +
          `--cni-conf-dir=${labVariable("LAB_CNI_CONF_DIR")} ` +
          `--cni-bin-dir=${labVariable("LAB_CNI_BIN_DIR")} ` +
          `--cni-cache-dir=$1/root/var/lib/cni/cache --streaming-bind-addr=127.0.0.1:0`,
      },
      "dockershim.service": {
        start: `exec ${dockershim} serve --listen=unix://$1/new.sock --root-dir=$1/state --config=$1/root/etc/dockershim/config.yaml`,
      },
    },
    { "/etc/dockershim/config.yaml": "# mine\nrestrictOomScoreAdj: true\n" },
  );
  await mkdir(join(node.root, "var/lib/kubelet"), { recursive: true });
  await writeFile(kubeletConfig(), `containerRuntimeEndpoint: unix://${node.dir}/old.sock # CRI\n`);
  systemctl("start", "cri-docker.service", "kubelet.service");
  await until(() => answers(`${node.dir}/old.sock`));
  const podSandboxId = await createSandbox("web");
  await create("k8s_nginx_web_prod", {
    Image: labVariable("LAB_IMAGE"),
    Cmd: ["sleep", "3600"],
    Labels: {
      "io.kubernetes.docker.type": "container",
      "io.kubernetes.sandbox.id": podSandboxId,
      "io.kubernetes.container.name": "nginx",
    },
    HostConfig: { NetworkMode: `container:${podSandboxId}` },
  });
  pids = await readPids();
});

afterEach(async () => {
  systemctl("stop", "cri-docker.service", "dockershim.service", "kubelet.service");
  for (const id of made.reverse()) {
    await docker.containers.remove(id, { force: true }).catch(() => undefined);
  }
  await docker.close();
  await node.remove();
});

const checkpoints = () => join(node.root, "var/lib/cri-dockerd/sandbox");
const kubeletConfig = () => join(node.root, "var/lib/kubelet/config.yaml");

function systemctl(...args: string[]): void {
  execFileSync(join(node.dir, "systemctl"), args);
}

/** Makes a container under the names and labels that cri-dockerd gives. */
async function create(name: string, body: object): Promise<string> {
  const { Id } = await docker.containers.create(body, {
    name: `${name}_migrated-${process.pid}_0`,
  });
  made.push(Id);
  await docker.containers.start(Id);
  return Id;
}

/** Makes a sandbox as cri-dockerd does, with its checkpoint. */
async function createSandbox(name: string): Promise<string> {
  const id = await create(`k8s_POD_${name}_prod`, {
    Image: labVariable("LAB_IMAGE"),
    Cmd: ["sleep", "3600"],
    Labels: {
      "io.kubernetes.docker.type": "podsandbox",
      "io.kubernetes.container.name": "POD",
      "io.kubernetes.pod.name": name,
      "io.kubernetes.pod.namespace": "prod",
      "io.kubernetes.pod.uid": `migrated-${process.pid}`,
    },
    HostConfig: { NetworkMode: "none", IpcMode: "shareable" },
  });
  const checkpoint = {
    ...{ version: "v1", name, namespace: "prod", data: {} },
    checksum: checkpointChecksum({ hostNetwork: false, portMappings: undefined }),
  };
  await mkdir(checkpoints(), { recursive: true });
  await writeFile(join(checkpoints(), id), JSON.stringify(checkpoint));
  return id;
}

async function readPids(): Promise<number[]> {
  return await Promise.all(made.map(async (id) => (await docker.containers.inspect(id)).State.Pid));
}

const args = (...given: string[]) => [
  "migrate",
  ...given,
  ...["--root", node.root, "--listen", `unix://${node.dir}/new.sock`],
];
const migrate = (...given: string[]) => runBin(args(...given), { PATH: node.path });

/** It succeeds, or all that it said is told. @returns What it printed. */
async function succeed(...given: string[]): Promise<string> {
  const result = await migrate(...given);
  expect(result).toEqual({ code: 0, stderr: "", stdout: result.code === 0 ? result.stdout : "" });
  return result.stdout;
}

/** Which pods a runtime lists as ready. */
async function readyPods(socket: string): Promise<string[]> {
  const client = createCriClient({ endpoint: `unix://${node.dir}/${socket}` });
  try {
    const { items } = await client.runtime.listPodSandbox({ filter: { state: { state: 0 } } });
    return items.map(({ id }) => id);
  } finally {
    client.close();
  }
}

test("a node goes over with its pods running, and back", async () => {
  const before = await snapshot();
  const shown = await succeed();
  expect(shown).toContain("systemctl disable --now cri-docker.service");
  expect(shown).toContain(`+ dockerEndpoint: ${dockerEndpoint}`);
  expect(shown).toContain(`+ cniBinDirs: [${labVariable("LAB_CNI_BIN_DIR")}]`);
  expect(await snapshot()).toEqual(before);

  expect(await succeed("--yes")).toContain("Done: dockershim serves on");
  expect(await readPids()).toEqual(pids);
  expect(await readyPods("new.sock")).toContain(made[0]);
  expect(await answers(`${node.dir}/old.sock`)).toBe(false);
  expect(await readFile(kubeletConfig(), "utf8")).toBe(
    `containerRuntimeEndpoint: unix://${node.dir}/new.sock # CRI\n`,
  );

  expect(await succeed()).toContain("Nothing is left to do: the node is on dockershim.");

  // Nobody reads what it prints, as after a lost connection: it is done all the same.

  const back = startBin(args("--back", "--yes"), { PATH: node.path });
  back.stdout.destroy();
  expect(await once(back, "exit")).toEqual([0, null]);

  expect(await readPids()).toEqual(pids);
  expect(await readyPods("old.sock")).toContain(made[0]);
  expect(await answers(`${node.dir}/new.sock`)).toBe(false);
  expect(await readFile(kubeletConfig(), "utf8")).toBe(
    `containerRuntimeEndpoint: unix://${node.dir}/old.sock # CRI\n`,
  );
});

/** Changes how dockershim's service is started. @returns Changes it back. */
async function changeDockershim(change: (start: string) => string): Promise<() => Promise<void>> {
  const file = join(node.dir, "units/dockershim.service/start");
  const start = await readFile(file, "utf8");
  await writeFile(file, change(start));
  return () => writeFile(file, start);
}

/** Lets dockershim's service run and never serve. */
const breakDockershim = () => changeDockershim(() => "exec sleep 100000");

/** What a migration changes: files of the operator, and units. */
async function snapshot(): Promise<Record<string, string>> {
  const all = Object.entries(await node.snapshot());
  return Object.fromEntries(
    all.filter(([file]) => /^\/(?:units|root\/(?:etc|var\/lib\/kubelet))\//.test(file)),
  );
}

/** Starts a migration, and waits until it waits for the daemon. */
async function startAndStall() {
  const child = startBin(args("--yes"), { PATH: node.path });
  let output = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  await until(() => /^ +wait until .*new\.sock/m.test(output.split("[1/")[1] ?? ""));
  return { child, output: () => output };
}

test("a daemon that does not become ready, and Ctrl-C, have all taken back", async () => {
  await breakDockershim();
  const before = await snapshot();
  const failed = await migrate("--yes", "--ready-timeout", "1s");
  expect(failed.code).toBe(1);
  expect(failed.stdout).toMatch(/Failed: not ready within 1 s: cannot reach/);
  expect(failed.stdout).toMatch(/All is as it was before\.\n$/);
  const expectAsBefore = async () => {
    expect(await snapshot()).toEqual(before);
    expect(await readPids()).toEqual(pids);
    expect(await readyPods("old.sock")).toContain(made[0]);
  };
  await expectAsBefore();

  const { child, output } = await startAndStall();
  child.kill("SIGINT");
  expect(await once(child, "close")).toEqual([1, null]);
  expect(output()).toContain("Failed: ended by SIGINT");
  await expectAsBefore();
});

test("what a crash cut short is gone on with, or taken back", async () => {
  const repair = await breakDockershim();
  const before = await snapshot();
  const crash = async () => {
    const { child } = await startAndStall();
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  await crash();
  expect(await succeed("--back", "--yes")).toMatch(
    /An earlier migration was cut short at step \d of \d/,
  );
  expect(await snapshot()).toEqual(before);
  expect(await readyPods("old.sock")).toContain(made[0]);

  await crash();
  await repair();
  systemctl("stop", "dockershim.service");
  systemctl("start", "dockershim.service");
  expect(await succeed()).toMatch(/What is left to do:\n +\d\. see that dockershim serves/);
  await succeed("--yes");
  expect(await readPids()).toEqual(pids);
  expect(await readyPods("new.sock")).toContain(made[0]);
});

test("a daemon that does not know a pod's address has all taken back", async () => {
  const [web = ""] = made;
  const pod = await podNetwork();
  try {
    await pod.connect(web, "web", 18_091);
    systemctl("stop", "cri-docker.service");
    systemctl("start", "cri-docker.service");
    await until(() => answers(`${node.dir}/old.sock`));
    const repair = await changeDockershim((start) => `${start} --cni-cache-dir=$1/elsewhere`);
    const before = await snapshot();
    const failed = await migrate("--yes", "--ready-timeout", "15s");
    expect(failed.stdout).toMatch(
      /Failed: not ready within 15 s: it gives k8s_POD_web_\S+ no address/,
    );
    expect(failed.stdout).toMatch(/All is as it was before\.\n$/);
    expect(await snapshot()).toEqual(before);

    await repair();
    expect(await succeed("--yes")).toContain("Done: dockershim serves on");
  } finally {
    await pod.cni.del({ containerId: web, ifName: "eth0" });
    pod.cni.close();
  }
});

test("what is left of a pod that is gone is removed, and nothing of one that is there", async () => {
  const { network, dataDir, cni, connect } = await podNetwork();
  const [there = ""] = made;
  const gone = await createSandbox("gone");
  try {
    await connect(there, "web", 18_091);
    await connect(gone, "gone", 18_092);
    await docker.containers.remove(gone, { force: true });
    /** Whose checkpoints, results, addresses and rules for host ports there are. */
    const remains = async () => ({
      checkpoints: (await readdir(checkpoints())).toSorted(),
      results: (await cni.cachedAttachments()).map(({ containerId }) => containerId).toSorted(),
      addresses: (await readLeases(join(dataDir, network.name), [there, gone])).toSorted(),
      ports: [18_091, 18_092].filter((port) => natRules().includes(`--dport ${port} `)),
    });
    const both = [there, gone].toSorted();
    const all = { checkpoints: both, results: both, addresses: both, ports: [18_091, 18_092] };
    expect(await remains()).toEqual(all);

    const shown = await succeed("--clean-up");
    expect(shown).toContain("network of pod prod/gone, host ports 18092: ");
    expect(shown).toContain("checkpoint of pod prod/gone: ");
    expect(shown).not.toContain("of pod prod/web");
    expect(await remains()).toEqual(all);

    await succeed("--clean-up", "--yes");
    const one = [there];
    expect(await remains()).toEqual({
      ...{ checkpoints: one, results: one, addresses: one, ports: [18_091] },
    });
    expect(await succeed("--clean-up")).not.toContain("Left of pods");
  } finally {
    for (const containerId of [there, gone]) await cni.del({ containerId, ifName: "eth0" });
    cni.close();
  }
});

/** The lab's pod network, with its results where cri-dockerd has them. */
async function podNetwork() {
  const confDir = labVariable("LAB_CNI_CONF_DIR");
  const [file = ""] = await readdir(confDir);
  const text = await readFile(join(confDir, file), "utf8");
  const network = parseNetworkConfig(text);
  const { dataDir } = JSON.parse(text).plugins[0].ipam;
  const cacheDir = join(node.root, "var/lib/cni/cache");
  const cni = createCni({ binDirs: [labVariable("LAB_CNI_BIN_DIR")], cacheDir });
  const connect = async (containerId: string, name: string, hostPort: number) => {
    const { Pid } = (await docker.containers.inspect(containerId)).State;
    await cni.add(network, {
      ...{ containerId, ifName: "eth0", netns: `/proc/${Pid}/ns/net` },
      args: k8sArgs({ namespace: "prod", name, uid: "u", infraContainerId: containerId }),
      capabilityArgs: { portMappings: [{ hostPort, containerPort: 80, protocol: "tcp" }] },
    });
  };
  return { network, dataDir, cni, connect };
}

async function readLeases(dir: string, ids: readonly string[]): Promise<string[]> {
  const files = (await readdir(dir)).filter((name) => /^\d/.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(dir, name), "utf8")));
  return ids.filter((id) => texts.some((text) => text.startsWith(id)));
}

function natRules(): string {
  return execFileSync("iptables-save", ["-t", "nat"], { encoding: "utf8" });
}
