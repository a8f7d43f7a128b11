import { setTimeout as delay } from "node:timers/promises";
import { busyboxImage, referenceOf } from "../../lab/images.ts";
import type { Kubectl, KubernetesObject } from "../test/kubectl.ts";
import type { ContainerRecord, Witness } from "../test/witness.ts";
import { forever, noting, pod } from "../test/workloads.ts";

/** What became of each container, by pod and container. */
export type Records = Readonly<Record<string, ContainerRecord>>;

/** A node whose pods are watched over its reboot. */
export interface RebootedNode {
  readonly name: string;
  readonly kubectl: Kubectl;
  readonly witness: Witness;
  /** Runs a line of shell on it and gives what it prints. */
  run(line: string): Promise<string>;
  /** Puts a static pod's manifest where its kubelet reads it. */
  addManifest(manifest: KubernetesObject): Promise<void>;
  /** Brings what the pods noted to where the witness reads it. */
  fetchNotes(): Promise<void>;
}

/** Starts pods that go on, one that ends, and one that is static. */
export async function startPods({ kubectl, witness, addManifest }: RebootedNode): Promise<void> {
  const image = { image: referenceOf(busyboxImage), imagePullPolicy: "Never" };
  const init = noting(witness, "init", "exit 0", image);
  const sidecar = noting(witness, "sidecar", forever, { ...image, restartPolicy: "Always" });
  const main = noting(witness, "main", forever, image);
  const once = noting(witness, "main", "exit 0", image);
  const initContainers = [init, sidecar];
  await kubectl.apply(pod(witness, "goes-on", { initContainers, containers: [main] }));
  await kubectl.apply(pod(witness, "is-done", { restartPolicy: "Never", containers: [once] }));
  await addManifest(pod(witness, "static", { containers: [main] }));
}

/** Waits until all of them are as they should be. */
export async function settled({
  name,
  kubectl,
  witness,
  fetchNotes,
}: RebootedNode): Promise<Records> {
  const waits = [
    ["--for=create", `pod/static-${name}`],
    ["--for=condition=Ready", `pod/static-${name}`, "pod/goes-on"],
    ["--for=jsonpath={.status.phase}=Succeeded", "pod/is-done"],
  ];
  for (const wait of waits) await kubectl.ask("wait", "--timeout=900s", ...wait);
  await fetchNotes();
  return witness.containers();
}

const goesOn = (container: string): boolean => !container.startsWith("is-done/");

/** Resolves with the containers once each that goes on is another one than before the reboot. */
export async function restarted(node: RebootedNode, before: Records): Promise<Records> {
  const end = Date.now() + 1_800_000;
  for (;;) {
    const after = await settled(node);
    // A kubelet that has just started tells what it knew before, until it has looked after each pod.
    const renewed = Object.keys(before).filter((key) => goesOn(key));
    if (renewed.every((key) => after[key]?.id !== before[key]?.id)) return settled(node);
    if (Date.now() > end) return after;
    await delay(1000);
  }
}

/** One line for each container that is not as it should be: started once more, in the same pod, or not touched. */
export function untrue(before: Records, after: Records): string[] {
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
export async function doubled({ run }: RebootedNode): Promise<string[]> {
  const label = (key: string): string => `{{.Label "io.kubernetes.${key}"}}`;
  const format = `${label("pod.namespace")}/${label("pod.name")}/${label("container.name")}`;
  const twice = await run(`docker ps --format '${format}' | sort | uniq -d`);
  const ill = await run(
    "systemctl is-active docker dockershim kubelet | grep -v '^active$' || true",
  );
  const lines = (text: string): string[] => text.split("\n").filter(Boolean);
  return [
    ...lines(twice).map((line) => `twice: ${line}`),
    ...lines(ill).map((line) => `a unit of docker, dockershim, kubelet: ${line}`),
  ];
}
