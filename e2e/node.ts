import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "../lab/command.ts";
import { runsSystemd } from "../lab/config.ts";
import type { LabEnv } from "../lab/env.ts";
import { freePort, listens } from "../lab/ports.ts";
import { daemonEndpoint, daemonOf } from "./daemon.ts";
import { type KubeletChoices, type KubeletCluster, kubeletConfig } from "./kubelet-config.ts";
import { claimKubeletHost, releaseKubeletHost } from "./kubelet-host.ts";
import { installKubelet } from "./kubelet-program.ts";
import { makePodCgroup, removePodCgroup } from "./pod-cgroup.ts";
import { answers, endProgram, startProgram } from "./processes.ts";

export interface NodeOptions extends KubeletChoices {
  readonly lab: LabEnv;
  /** Everything of the node is in this folder, below the lab's own so that it goes with it. */
  readonly folder: string;
  /** The kubelet's program. */
  readonly kubelet: string;
  /** The daemon's configuration file, which says where CNI's folders are; else they are the lab's. */
  readonly daemonConfig?: string;
  readonly cluster?: KubeletCluster & { readonly kubeconfig: string };
}

/** The name of every node that is made here; each has a cluster of its own, or none. */
export const nodeName = "node1";

/** A node: the daemon on a lab's engine, and a kubelet that it serves. */
export interface Node {
  /** The node's address, of the lab's own bridge: not loopback, which a kubelet does not take. */
  readonly address: string;
  /** The runtime, as `unix:///path`. */
  readonly endpoint: string;
  /** The port of the kubelet's API, over HTTPS. */
  readonly kubeletPort: number;
  /** Where the kubelet reads static pods from. */
  readonly manifests: string;
  startDaemon(): Promise<void>;
  startKubelet(): Promise<void>;
  /** Ends one of the two; `graceMs` 0 kills it. Its pods go on. */
  end(program: "dockershim" | "kubelet", graceMs?: number): Promise<void>;
}

interface Ports {
  readonly kubelet: number;
  readonly health: number;
}

/**
 * The cgroup below which a node's pods have theirs. Where systemd runs it is the root, as on any node: a slice of
 * systemd's own making lacks controllers that the kubelet asks for. So there one node at a time can be.
 */
function podCgroup(folder: string): string {
  if (runsSystemd()) return "";
  return `dskube-${createHash("sha256").update(folder).digest("hex").slice(0, 12)}`;
}

/** The ports of a node stay its own when its kubelet is started again. */
async function portsOf(folder: string, address: string): Promise<Ports> {
  const file = join(folder, "ports.json");
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8"));
  const ports = { kubelet: await freePort(address), health: await freePort("127.0.0.1") };
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

/** The node's address in a lab: the one that the CNI plugin gives the lab's bridge. */
export function nodeAddress(lab: LabEnv): string {
  return lab.LAB_SUBNET.replace(/\.0\/\d+$/, ".1");
}

/** Gives the bridge its address: the CNI plugin does so with the first pod, which is too late for a kubelet. */
export async function addressBridge(
  { LAB_SUBNET, LAB_BRIDGE }: LabEnv,
  address: string,
): Promise<void> {
  const length = LAB_SUBNET.split("/")[1];
  await command("ip", ["address", "replace", `${address}/${length}`, "dev", LAB_BRIDGE]);
}

/** Readies the machine for a node; starts nothing yet. */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { lab, folder, cluster } = options;
  const manifests = join(folder, "manifests");
  const configFile = join(folder, "kubelet.json");
  const cgroup = podCgroup(folder);
  mkdirSync(manifests, { recursive: true });
  await claimKubeletHost(folder);
  if (cgroup !== "") makePodCgroup(cgroup);
  const address = nodeAddress(lab);
  await addressBridge(lab, address);
  const ports = await portsOf(folder, address);
  const endpoint = daemonEndpoint(folder);
  const config = kubeletConfig({
    folder: join(folder, "kubelet"),
    manifests,
    endpoint,
    address,
    port: ports.kubelet,
    healthPort: ports.health,
    cgroup,
    choices: options,
    ...(cluster === undefined ? {} : { cluster }),
  });
  writeFileSync(configFile, `${JSON.stringify(config, undefined, 2)}\n`);
  const kubelet = join(folder, "kubelet-program");
  installKubelet(options.kubelet, kubelet);
  const flags = {
    config: configFile,
    "root-dir": join(folder, "kubelet"),
    "cert-dir": join(folder, "kubelet/pki"),
    "node-ip": address,
    "hostname-override": nodeName,
    ...(cluster === undefined ? {} : { kubeconfig: cluster.kubeconfig }),
    v: "4",
  };
  return {
    address,
    endpoint,
    kubeletPort: ports.kubelet,
    manifests,
    startDaemon: () =>
      startProgram(folder, daemonOf(folder, lab, { configFile: options.daemonConfig })),
    startKubelet: () =>
      startProgram(folder, {
        name: "kubelet",
        program: kubelet,
        args: Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`),
        timeoutMs: 600_000,
        // It says that it is well before it takes calls.
        isReady: async () =>
          (await answers(`http://127.0.0.1:${ports.health}/healthz`)) &&
          (await listens(address, ports.kubelet)),
      }),
    end: (program, graceMs) => endProgram(folder, program, graceMs),
  };
}

/** Ends the node's programs, whatever state it is in; its pods still run. */
export async function endNode(folder: string): Promise<void> {
  await endProgram(folder, "kubelet");
  await endProgram(folder, "dockershim");
  await releaseKubeletHost(folder);
}

/** Clears away what is left of a node once the lab's engine, and with it its pods, is gone. */
export async function clearNode(folder: string): Promise<void> {
  await removePodCgroup(podCgroup(folder) || "kubepods");
}
