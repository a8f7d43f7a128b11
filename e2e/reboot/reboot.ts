// What a node makes of its pods when it is rebooted: pods are started in a virtual machine whose Docker, daemon (of
// its .deb) and kubelet are services of systemd; it is rebooted; each container has to come back once, and what was
// done must not be done again. The control plane is on this machine.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { command } from "../../lab/command.ts";
import { runCommandLine } from "../../lab/command-line.ts";
import { labConfig } from "../../lab/config.ts";
import { LabError } from "../../lab/lab-error.ts";
import { copyPath, fetchFolder } from "../../lab/node/copy.ts";
import { type Remote, sshArguments } from "../../lab/node/remote.ts";
import { makeDeb } from "../../packaging/deb.ts";
import { type ControlPlane, endControlPlane, startControlPlane } from "../control-plane.ts";
import { bringPrograms, nodeWithCheckout, runInNode } from "../in-node.ts";
import { clusterPrograms, etcdProgram, kubernetesPrograms } from "../programs.ts";
import { createKubectl } from "../test/kubectl.ts";
import { createWitness } from "../test/witness.ts";
import { manifests, type NodePlan } from "./node-plan.ts";
import { doubled, type RebootedNode, restarted, settled, startPods, untrue } from "./pods.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

const config = labConfig();
/** All files of a run are there on both machines. */
const folder = join(config.root, config.name, "reboot");
const notes = join(folder, "noted");
const name = "node1";

async function there(remote: Remote, line: string): Promise<string> {
  return (await command("ssh", sshArguments(remote, [line]))).trim();
}

async function setUpNode(remote: Remote, plane: ControlPlane): Promise<void> {
  const address = await there(remote, "ip -json route get 10.0.2.2 | jq -r '.[0].prefsrc'");
  const deb = await makeDeb(resolve(import.meta.dirname, "../.."), join(folder, "package"));
  const { kubeconfig, ...own } = await plane.admitNode(name, address);
  const cluster = { clientCa: plane.authority.certificate, ...own };
  for (const path of [deb, kubeconfig, ...Object.values(cluster)]) {
    await copyPath(remote, path, dirname(path));
  }
  const plan: NodePlan = { name, address, deb, kubeconfig, cluster };
  const code = await runInNode(remote, ["node", "e2e/reboot/set-up-node.ts", JSON.stringify(plan)]);
  if (code !== 0) throw new LabError("command", `the node was not set up: exit code ${code}`);
}

async function bootOf(remote: Remote): Promise<string> {
  return there(remote, "cat /proc/sys/kernel/random/boot_id").catch(() => "");
}

async function reboot(remote: Remote): Promise<void> {
  const before = await bootOf(remote);
  await there(remote, "systemctl reboot").catch(() => undefined);
  const end = Date.now() + 1_800_000;
  for (let boot = before; boot === before || boot === ""; boot = await bootOf(remote)) {
    if (Date.now() > end) throw new LabError("host", "the node has not come back");
    await delay(2000);
  }
}

async function main(): Promise<number> {
  const remote = await nodeWithCheckout(config);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(notes, { recursive: true });
  await there(remote, `mkdir -p ${notes}`);
  await bringPrograms(config, remote, ["kubelet"]);
  const { kubectl, kubelet: _, ...programs } = await kubernetesPrograms(config, clusterPrograms);
  const planeFolder = join(folder, "control-plane");
  let tunnel: Tunnel | undefined;
  try {
    const etcd = await etcdProgram(config);
    const plane = await startControlPlane(planeFolder, { etcd, ...programs });
    tunnel = await openTunnel(remote, plane.port);
    await setUpNode(remote, plane);
    const asker = createKubectl({ kubectl, kubeconfig: plane.adminKubeconfig });
    for (const wait of [
      ["--for=create", `node/${name}`],
      ["--for=condition=Ready", `node/${name}`],
      ["--for=create", "serviceaccount/default"],
    ]) {
      await asker.ask("wait", "--timeout=900s", ...wait);
    }
    const here: RebootedNode = {
      name,
      kubectl: asker,
      witness: createWitness(asker, notes),
      run: (line) => there(remote, line),
      async addManifest(manifest) {
        const file = join(folder, `${manifest.metadata.name}.json`);
        writeFileSync(file, JSON.stringify(manifest));
        await copyPath(remote, file, manifests);
      },
      fetchNotes: () => fetchFolder(remote, notes, notes),
    };
    await startPods(here);
    const before = await settled(here);
    console.error(`reboot: ${Object.keys(before).length} containers; rebooting the node`);
    await reboot(remote);
    tunnel.close();
    tunnel = await openTunnel(remote, plane.port);
    const after = await restarted(here, before);
    const wrong = [...untrue(before, after), ...(await doubled(here))];
    for (const line of wrong) console.log(line);
    console.log(`${Object.keys(before).length - wrong.length} passed, ${wrong.length} failed`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    tunnel?.close();
    await endControlPlane(planeFolder);
  }
}

await runCommandLine("reboot", main);
