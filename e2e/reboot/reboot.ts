// What a node makes of its pods when it is rebooted: pods are started in a virtual machine whose Docker, daemon (of
// its .deb) and kubelet are services of systemd; it is rebooted; each container has to come back once, and what was
// done must not be done again. The control plane is on this machine.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { command } from "../../lab/command.ts";
import { runCommandLine } from "../../lab/command-line.ts";
import { labConfig } from "../../lab/config.ts";
import { busyboxImage, referenceOf } from "../../lab/images.ts";
import { LabError } from "../../lab/lab-error.ts";
import { copyPath, fetchFolder } from "../../lab/node/copy.ts";
import { type Remote, sshArguments } from "../../lab/node/remote.ts";
import { makeDeb } from "../../packaging/deb.ts";
import { type ControlPlane, endControlPlane, startControlPlane } from "../control-plane.ts";
import { bringPrograms, nodeWithCheckout, runInNode } from "../in-node.ts";
import { clusterPrograms, etcdProgram, kubernetesPrograms } from "../programs.ts";
import { createKubectl, type Kubectl } from "../test/kubectl.ts";
import { type ContainerRecord, createWitness, type Witness } from "../test/witness.ts";
import { forever, noting, pod } from "../test/workloads.ts";
import { manifests, type NodePlan } from "./node-plan.ts";
import { openTunnel, type Tunnel } from "./tunnel.ts";

type Records = Readonly<Record<string, ContainerRecord>>;

const config = labConfig();
/** All files of a run are there on both machines. */
const folder = join(config.root, config.name, "reboot");
const notes = join(folder, "noted");
const name = "node1";

interface Ground {
  readonly remote: Remote;
  readonly kubectl: Kubectl;
  readonly witness: Witness;
}

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

async function startPods({ remote, kubectl, witness }: Ground): Promise<void> {
  const image = { image: referenceOf(busyboxImage), imagePullPolicy: "Never" };
  const init = noting(witness, "init", "exit 0", image);
  const sidecar = noting(witness, "sidecar", forever, { ...image, restartPolicy: "Always" });
  const main = noting(witness, "main", forever, image);
  const once = noting(witness, "main", "exit 0", image);
  const initContainers = [init, sidecar];
  await kubectl.apply(pod(witness, "goes-on", { initContainers, containers: [main] }));
  await kubectl.apply(pod(witness, "is-done", { restartPolicy: "Never", containers: [once] }));
  const file = join(folder, "static.json");
  writeFileSync(file, JSON.stringify(pod(witness, "static", { containers: [main] })));
  await copyPath(remote, file, manifests);
}

async function settled({ remote, kubectl, witness }: Ground): Promise<Records> {
  const waits = [
    ["--for=create", `pod/static-${name}`],
    ["--for=condition=Ready", `pod/static-${name}`, "pod/goes-on"],
    ["--for=jsonpath={.status.phase}=Succeeded", "pod/is-done"],
  ];
  for (const wait of waits) await kubectl.ask("wait", "--timeout=900s", ...wait);
  await fetchFolder(remote, notes, notes);
  return witness.containers();
}

/** Resolves with the pods' containers once each that goes on is another one than before. */
async function restarted(here: Ground, before: Records): Promise<Records> {
  const end = Date.now() + 1_800_000;
  for (;;) {
    const after = await settled(here);
    // A kubelet that has just started tells what it knew before, until it has looked after each pod.
    const renewed = Object.keys(before).filter((key) => goesOn(key));
    if (renewed.every((key) => after[key]?.id !== before[key]?.id)) return settled(here);
    if (Date.now() > end) return after;
    await delay(1000);
  }
}

const goesOn = (container: string): boolean => !container.startsWith("is-done/");

/** One line for each container that is not as it should be: started once more, in the same pod, or not touched. */
function untrue(before: Records, after: Records): string[] {
  return Object.entries(before).flatMap(([key, was]) => {
    const more = goesOn(key) ? 1 : 0;
    const { id: _, ...expected } = { ...was, restarts: was.restarts + more, runs: was.runs + more };
    const { id, ...found } = after[key] ?? { id: "" };
    const renewed = (id !== was.id) === (more === 1);
    if (renewed && JSON.stringify(found) === JSON.stringify(expected)) return [];
    return [`${key}: ${JSON.stringify(after[key])} after ${JSON.stringify(was)}`];
  });
}

/** One line for each name under which Docker runs two containers or sandboxes, and each unit that is not well. */
async function doubled(remote: Remote): Promise<string[]> {
  const label = (key: string): string => `{{.Label "io.kubernetes.${key}"}}`;
  const format = `${label("pod.namespace")}/${label("pod.name")}/${label("container.name")}`;
  const running = await there(remote, `docker ps --format '${format}' | sort | uniq -d`);
  const units = ["docker", "dockershim", "kubelet"].join(" ");
  const failed = await there(
    remote,
    `systemctl --failed --plain --no-legend; systemctl is-active ${units} | grep -v '^active$' || true`,
  );
  return [
    ...running
      .split("\n")
      .filter(Boolean)
      .map((line) => `twice: ${line}`),
    ...failed
      .split("\n")
      .filter(Boolean)
      .map((line) => `systemd: ${line}`),
  ];
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
    const here = { remote, kubectl: asker, witness: createWitness(asker, notes) };
    await startPods(here);
    const before = await settled(here);
    console.error(`reboot: ${Object.keys(before).length} containers; rebooting the node`);
    await reboot(remote);
    tunnel.close();
    tunnel = await openTunnel(remote, plane.port);
    const after = await restarted(here, before);
    const wrong = [...untrue(before, after), ...(await doubled(remote))];
    for (const line of wrong) console.log(line);
    console.log(`${Object.keys(before).length - wrong.length} passed, ${wrong.length} failed`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    tunnel?.close();
    await endControlPlane(planeFolder);
  }
}

await runCommandLine("reboot", main);
