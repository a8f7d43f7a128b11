import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { blocksOf } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Node } from "../node.ts";
import { isReady, podsOf } from "./kubelet-api.ts";
import { testGround, until } from "./node-under-test.ts";
import { createStaticPods, forever, type StaticPods } from "./static-pod.ts";

// The daemon reads the options that docs/distributions.md has for k3s, below another folder than /var/lib/rancher/k3s, and
// finds there what k3s has: programs by links into a folder that is named after a checksum, and flannel's network
// list. Flannel's plugin itself is not there: it delegates to `bridge`, which stands in the list in its place.

const ground = testGround();
const { folder, lab } = ground;
const k3s = join(folder, "k3s");
const [page = ""] = blocksOf("distributions.md", "k3s", "yaml");
let node: Node;
let pods: StaticPods;

function makeFolders(): void {
  const confDir = join(k3s, "agent/etc/cni/net.d");
  const [file = ""] = readdirSync(lab.LAB_CNI_CONF_DIR);
  const ofLab = JSON.parse(readFileSync(join(lab.LAB_CNI_CONF_DIR, file), "utf8"));
  const bandwidth = { type: "bandwidth", capabilities: { bandwidth: true } };
  const list = { ...ofLab, name: "cbr0", plugins: [...ofLab.plugins, bandwidth] };
  mkdirSync(confDir, { recursive: true });
  writeFileSync(join(confDir, "10-flannel.conflist"), JSON.stringify(list));

  const version = "0".repeat(64);
  mkdirSync(join(k3s, "data", version, "bin"), { recursive: true });
  mkdirSync(join(k3s, "data/cni"));
  for (const name of ["bandwidth", "bridge", "host-local", "portmap"]) {
    const program = join(k3s, "data", version, "bin", name);
    copyFileSync(join(lab.LAB_CNI_BIN_DIR, name), program);
    chmodSync(program, 0o755);
    symlinkSync(`../${version}/bin/${name}`, join(k3s, "data/cni", name));
  }
  symlinkSync(version, join(k3s, "data/current"));
}

beforeAll(async () => {
  makeFolders();
  const daemonConfig = join(folder, "dockershim.yaml");
  writeFileSync(daemonConfig, page.replaceAll("/var/lib/rancher/k3s", k3s));
  node = await ground.node({ daemonConfig });
  pods = createStaticPods(node.manifests, join(folder, "ran"), lab.LAB_IMAGE);
  await node.startDaemon();
  await node.startKubelet();
});
afterAll(() => ground.clear(node));

async function runPod(name: string): Promise<void> {
  pods.add({ name, containers: [{ name: "main", script: forever }] });
  await until(async () => isReady((await podsOf(node)).get(name)));
}

test("a kubelet's pod is on the network of k3s's folders", async () => {
  expect(page).toMatch(/^cniConfDir: \/var\/lib\/rancher\/k3s\//m);
  await runPod("newer");
  const cri = createCriClient({ endpoint: node.endpoint });
  const { items } = await cri.runtime.listPodSandbox({});
  const { status } = await cri.runtime.podSandboxStatus({ podSandboxId: items[0]?.id ?? "" });
  cri.close();
  expect(status?.network?.ip).toMatch(new RegExp(`^${lab.LAB_SUBNET.replace(/0\/\d+$/, "")}`));
});

test("where k3s has no folder of programs for CNI alone, they are found among its own", async () => {
  renameSync(join(k3s, "data/cni"), join(k3s, "data/gone"));
  await runPod("older");
});
