import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProcess } from "../node-processes.js";
import type { CheckFacts, DiskFacts } from "./check-facts.js";
import { chooseOptions, withAnswered } from "./choose-options.js";
import { readDaemon } from "./read-daemon.js";
import { readEngine } from "./read-engine.js";
import { readKubelet } from "./read-kubelet.js";
import { readNetwork } from "./read-network.js";
import { type NodePlaces, readNode } from "./read-node.js";
import { readRuntime } from "./read-runtime.js";

/** Where checks look, beside the node itself. */
export interface CheckPlaces extends NodePlaces {
  /** What the command line gave of the daemon's options. */
  readonly flags: Record<string, unknown>;
  readonly configFile: string | undefined;
  readonly kubeletConfig: string | undefined;
  /** The CRI socket, where another than the daemon's own is meant. */
  readonly endpoint: string | undefined;
  /** Run CNI's plugins for real. */
  readonly deep: boolean;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** Looks at all that the checks judge. */
export async function gatherChecks(places: CheckPlaces): Promise<CheckFacts> {
  const { root, procDir, flags, now } = places;
  const chosen = await chooseOptions(flags, places.configFile, (file) =>
    existsSync(join(root, file)),
  );
  const endpoint = places.endpoint ?? chosen.options.listen;
  const { answer: runtime, options: answered } = await readRuntime(endpoint);
  const told = withAnswered(chosen, answered);
  const { options } = told;
  const isDocker = runtime.kind !== "other";
  const engine = isDocker
    ? await readEngine(places, options.dockerEndpoint, now)
    : { endpoint: "", problem: "", answer: undefined, settings: undefined, process: undefined };
  const [daemon, kubelet, network, node, criDockerd] = await Promise.all([
    readDaemon(places, told, endpoint),
    readKubelet(places, places.kubeletConfig),
    readNetwork(places, options, places.deep),
    readNode(places, disksOf(options.rootDir, engine.answer?.info.DockerRootDir, isDocker), now()),
    findProcess(procDir, "cri-dockerd"),
  ]);
  return { runtime, daemon, engine, kubelet, node, network, criDockerdPid: criDockerd?.pid };
}

function disksOf(
  rootDir: string,
  engineDir: string | undefined,
  isDocker: boolean,
): Pick<DiskFacts, "path" | "use" | "signal">[] {
  return [
    { path: "/var/lib/kubelet", use: "volumes", signal: "nodefs" },
    { path: "/var/log/pods", use: "logs", signal: "nodefs" },
    ...(isDocker ? [{ path: rootDir, use: "the daemon", signal: "nodefs" } as const] : []),
    ...(engineDir === undefined
      ? []
      : [{ path: engineDir, use: "images", signal: "imagefs" } as const]),
  ];
}
