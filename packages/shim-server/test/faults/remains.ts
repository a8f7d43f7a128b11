import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { DockerClient } from "@dockershim/docker-client";
import type { LabConfig } from "../../../../lab/config.ts";
import { listProcesses } from "../../../../lab/process-id.ts";
import { parseStat } from "../../src/exec/process-table.js";
import { countRemains, type LabNetwork, type NodeRemains } from "../node-remains.js";

/** What pods can leave in an engine of one's own, and on its node. */
export interface EngineRemains extends NodeRemains {
  /** Below the engine's folders and the daemon's. */
  readonly mounts: number;
  /** That look after nothing, or after what the engine does not have. On 20.10 each container has one, else each pod. */
  readonly idleShims: number;
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
  const known = new Set((await docker.containers.list({ all: true })).map(({ Id }) => Id));
  return {
    ...(await countRemains(docker, network, daemon.root, daemon.run)),
    mounts: mounts.filter((line) => places.some((place) => line.includes(place))).length,
    idleShims: readShims(config).filter(
      ({ container, children }) => children.length === 0 || !known.has(container),
    ).length,
    heldNamespaces: openFiles(daemon.pid).filter((target) => target.startsWith("net:")).length,
    folders: readdirSync(join(config.dataRoot, "containers")).length,
    files: existsSync(daemon.root)
      ? readdirSync(daemon.root, { recursive: true }).map(String).sort()
      : [],
  };
}

/** A shim of an engine's containerd. */
export interface Shim {
  readonly pid: number;
  /** Id of the container that it was started for. */
  readonly container: string;
  /** Command lines of the processes that it has started and that run. */
  readonly children: readonly string[];
}

export function readShims(config: LabConfig): Shim[] {
  const all = listProcesses();
  return all
    .filter(
      ({ commandLine }) =>
        commandLine.includes("containerd-shim") && commandLine.includes(`${config.execRoot}/`),
    )
    .map(({ id, commandLine }) => ({
      pid: id.pid,
      container: /-id (\S+)/.exec(commandLine)?.[1] ?? "",
      children: all
        .filter((each) => parentOf(each.id.pid) === id.pid)
        .map((child) => child.commandLine),
    }));
}

function parentOf(pid: number): number | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))?.parent;
  } catch {
    return undefined;
  }
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
