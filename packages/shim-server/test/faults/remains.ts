import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { DockerClient } from "@dockershim/docker-client";
import type { LabConfig } from "../../../../lab/config.ts";
import { listProcesses } from "../../../../lab/process-id.ts";
import { countRemains, type LabNetwork, type NodeRemains } from "../node-remains.js";

/** What pods can leave in an engine of one's own, and on its node. */
export interface EngineRemains extends NodeRemains {
  /** Below the engine's folders and the daemon's. */
  readonly mounts: number;
  /** Of the engine's containers. */
  readonly shims: number;
  /** Network namespaces that the daemon holds open. */
  readonly heldNamespaces: number;
  /** The engine's folders of containers. */
  readonly folders: number;
  /** In the daemon's root directory. */
  readonly files: readonly string[];
}

export async function engineRemains(
  config: LabConfig,
  docker: DockerClient,
  network: LabNetwork,
  daemon: { readonly root: string; readonly pid: number; readonly run: string },
): Promise<EngineRemains> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const places = [config.stateDir, daemon.root].map((folder) => ` ${folder}/`);
  return {
    ...(await countRemains(docker, network, daemon.root, daemon.run)),
    mounts: mounts.filter((line) => places.some((place) => line.includes(place))).length,
    shims: listProcesses().filter(
      ({ commandLine }) =>
        commandLine.includes("containerd-shim") && commandLine.includes(config.execRoot),
    ).length,
    heldNamespaces: openFiles(daemon.pid).filter((target) => target.startsWith("net:")).length,
    folders: readdirSync(join(config.dataRoot, "containers")).length,
    files: existsSync(daemon.root)
      ? readdirSync(daemon.root, { recursive: true }).map(String).sort()
      : [],
  };
}

/** What the descriptors of a process are of. */
export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
