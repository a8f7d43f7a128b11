/**
 * What a node makes of its pods when it is rebooted: `before` starts a cluster and pods in it, `after` starts the
 * cluster again and judges. Between the two somebody reboots the machine; see README.md.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCommandLine } from "../lab/command-line.ts";
import { labConfig } from "../lab/config.ts";
import { createKubectl, type Kubectl } from "./test/kubectl.ts";
import { type ContainerRecord, createWitness, type Witness } from "./test/witness.ts";
import { forever, noting, pod } from "./test/workloads.ts";
import { type Cluster, up } from "./up-down.ts";

type Records = Readonly<Record<string, ContainerRecord>>;

const config = labConfig({ ...process.env, LAB: process.env.LAB || "reboot" });
const recordFile = join(config.runDir, "reboot.json");

interface Ground {
  readonly cluster: Cluster;
  readonly kubectl: Kubectl;
  readonly witness: Witness;
}

async function ground(): Promise<Ground> {
  const cluster = await up(config);
  const kubectl = createKubectl(cluster);
  return { cluster, kubectl, witness: createWitness(kubectl, join(config.runDir, "noted")) };
}

async function startPods({ cluster, kubectl, witness }: Ground): Promise<void> {
  const image = { image: cluster.lab.LAB_IMAGE, imagePullPolicy: "Never" };
  const init = noting(witness, "init", "exit 0", image);
  const sidecar = noting(witness, "sidecar", forever, { ...image, restartPolicy: "Always" });
  const main = noting(witness, "main", forever, image);
  const once = noting(witness, "main", "exit 0", image);
  const initContainers = [init, sidecar];
  await kubectl.apply(pod(witness, "goes-on", { initContainers, containers: [main] }));
  await kubectl.apply(pod(witness, "is-done", { restartPolicy: "Never", containers: [once] }));
  const manifest = pod(witness, "static", { containers: [main] });
  writeFileSync(join(cluster.node.manifests, "static.json"), JSON.stringify(manifest));
}

async function settled({ kubectl, witness }: Ground): Promise<Records> {
  const waits = [
    ["--for=create", "pod/static-node1"],
    ["--for=condition=Ready", "pod/static-node1", "pod/goes-on"],
    ["--for=jsonpath={.status.phase}=Succeeded", "pod/is-done"],
  ];
  for (const wait of waits) await kubectl.ask("wait", "--timeout=600s", ...wait);
  return witness.containers();
}

/** One line for each container that is not as it should be: started once more, in the same pod, or not touched. */
function problems(before: Records, after: Records): string[] {
  return Object.entries(before).flatMap(([name, was]) => {
    const more = name.startsWith("is-done/") ? 0 : 1;
    const { id: _, ...expected } = { ...was, restarts: was.restarts + more, runs: was.runs + more };
    const { id, ...found } = after[name] ?? { id: "" };
    const renewed = (id !== was.id) === (more === 1);
    if (renewed && JSON.stringify(found) === JSON.stringify(expected)) return [];
    return [`${name}: ${JSON.stringify(after[name])} after ${JSON.stringify(was)}`];
  });
}

/** A kubelet that has just started tells what it knew before, until it has looked after each pod. */
async function restarted(here: Ground, before: Records): Promise<Records> {
  for (let after = await settled(here); ; after = await settled(here)) {
    if (after["goes-on/main"]?.id !== before["goes-on/main"]?.id) return settled(here);
  }
}

async function main(verb: string | undefined): Promise<number> {
  if (verb !== "before" && verb !== "after") {
    process.stderr.write("usage: node e2e/reboot.ts before | after\n");
    return 2;
  }
  const here = await ground();
  if (verb === "before") {
    await startPods(here);
    writeFileSync(recordFile, JSON.stringify(await settled(here)));
    console.log("the pods run: reboot the machine");
    return 0;
  }
  const before: Records = JSON.parse(readFileSync(recordFile, "utf8"));
  const after = await restarted(here, before);
  const wrong = problems(before, after);
  for (const line of wrong) console.log(line);
  console.log(`${Object.keys(before).length - wrong.length} passed, ${wrong.length} failed`);
  return wrong.length === 0 ? 0 : 1;
}

await runCommandLine("reboot", () => main(process.argv[2]));
