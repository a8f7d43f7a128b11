import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DockerClient } from "@dockershim/docker-client";
import { labVariable } from "@dockershim/testing";

/** What pods can leave on a node, counted. */
export interface NodeRemains {
  readonly addresses: number;
  readonly interfaces: number;
  readonly rules: number;
  readonly cacheFiles: number;
  readonly logPositions: number;
  readonly containers: number;
}

/** The lab's network: its name, the types of its plugins, and where the first two keep what they give. */
export interface LabNetwork {
  readonly file: string;
  readonly list: { name: string; plugins: { type: string }[] };
  readonly bridge: string;
  readonly dataDir: string;
}

export function readLabNetwork(): LabNetwork {
  const dir = labVariable("LAB_CNI_CONF_DIR");
  const [file = ""] = readdirSync(dir);
  const list = JSON.parse(readFileSync(join(dir, file), "utf8"));
  const [{ bridge, ipam }] = list.plugins;
  return { file, list, bridge, dataDir: ipam.dataDir };
}

/** @param run Label by which the pods' containers are known. */
export async function countRemains(
  docker: DockerClient,
  { list, bridge, dataDir }: LabNetwork,
  root: string,
  run: string,
): Promise<NodeRemains> {
  const filesIn = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : []);
  const links = execFileSync("ip", ["-o", "link", "show", "master", bridge]).toString();
  const nat = execFileSync("iptables-save", ["-t", "nat"]).toString();
  const left = await docker.containers.list({ all: true, filters: { label: [`run=${run}`] } });
  return {
    addresses: filesIn(join(dataDir, list.name)).filter((file) => /^\d+\./.test(file)).length,
    interfaces: links.split("\n").filter((line) => line !== "").length,
    rules: nat.split("\n").filter((line) => line.includes(`"${list.name}\\"`)).length,
    cacheFiles: filesIn(join(root, "cni", "results")).length,
    logPositions: filesIn(join(root, "logs")).length,
    containers: left.length,
  };
}

/** Removes what a run has left in the engine, by its label. */
export async function removeContainersOf(
  docker: Pick<DockerClient, "containers">,
  run: string,
): Promise<void> {
  const filters = { label: [`run=${run}`] };
  for (const { Id } of await docker.containers.list({ all: true, filters })) {
    await docker.containers.remove(Id, { force: true });
  }
}
