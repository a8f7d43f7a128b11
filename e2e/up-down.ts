import { join } from "node:path";
import { command } from "../lab/command.ts";
import type { LabConfig } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import { down as labDown, up as labUp } from "../lab/up-down.ts";
import { endControlPlane, startControlPlane } from "./control-plane.ts";
import type { KubeletChoices } from "./kubelet-config.ts";
import { clearNode, createNode, endNode, type Node, nodeAddress, nodeName } from "./node.ts";
import { clusterPrograms, etcdProgram, kubernetesPrograms } from "./programs.ts";

/** What a person needs to use a cluster. */
export interface Cluster {
  readonly lab: LabEnv;
  readonly kubectl: string;
  readonly kubeconfig: string;
  readonly node: Node;
}

export const clusterFolder = (config: LabConfig): string => join(config.runDir, "cluster");

/**
 * Brings up a one-node cluster on the daemon and a lab's engine, or what of it is missing.
 *
 * @param choices of its kubelet; the feature gates are those of all programs that are started now
 */
export async function up(config: LabConfig, choices: KubeletChoices = {}): Promise<Cluster> {
  const { kubelet, kubectl, ...controlPlane } = await kubernetesPrograms(config, clusterPrograms);
  const etcd = await etcdProgram(config);
  const lab = await labUp(config);
  const folder = clusterFolder(config);
  const plane = await startControlPlane(folder, { etcd, ...controlPlane }, choices.featureGates);
  const clientCa = plane.authority.certificate;
  const cluster = { clientCa, ...(await plane.admitNode(nodeName, nodeAddress(lab))) };
  const node = await createNode({ lab, folder, kubelet, cluster, ...choices });
  await node.startDaemon();
  await node.startKubelet();
  const kubeconfig = plane.adminKubeconfig;
  const waitFor = (condition: string, what: string): Promise<string> =>
    command(kubectl, [
      ...["--kubeconfig", kubeconfig, "wait", `--for=${condition}`, "--timeout=600s", what],
    ]);
  await waitFor("create", `node/${nodeName}`);
  await waitFor("condition=Ready", `node/${nodeName}`);
  await waitFor("create", "serviceaccount/default");
  return { lab, kubectl, kubeconfig, node };
}

/** Takes the cluster down with its lab, whatever state it is in; only built and fetched programs stay. */
export async function down(config: LabConfig): Promise<void> {
  const folder = clusterFolder(config);
  await endNode(folder);
  await endControlPlane(folder);
  await labDown(config);
  await clearNode(folder);
}
