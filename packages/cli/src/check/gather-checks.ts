import { existsSync } from "node:fs";
import { join } from "node:path";
import { findProcess } from "../machine/node-processes.js";
import { chooseOptions, withAnswered } from "../node/choose-options.js";
import type { NodePlaces } from "../node/node-places.js";
import { openNode } from "../node/open-node.js";
import type { KubeletFacts } from "../node/read-kubelet.js";
import { readKubelet, usualLogsDir } from "../node/read-kubelet.js";
import { readRuntime } from "../node/read-runtime.js";
import { findRemains } from "../node-remains/find-remains.js";
import { usualMinAgeMs } from "../node-remains/remain.js";
import { allRemainKinds } from "../node-remains/remain-kinds.js";
import type { CheckFacts, DiskFacts } from "./check-facts.js";
import { readDaemon } from "./read-daemon.js";
import { readEngine } from "./read-engine.js";
import { readNetwork } from "./read-network.js";
import { readNode } from "./read-node.js";

/** Where checks look, beside the node itself. */
export interface CheckPlaces extends NodePlaces {
  /** What the command line gave of the daemon's options. */
  readonly flags: Record<string, unknown>;
  readonly configFile: string | undefined;
  readonly kubeletConfig: string | undefined;
  /** The CRI socket, where another than the daemon's own is meant. */
  readonly endpoint: string | undefined;
  /** Run CNI's plugins for real, until the signal fires; undefined for not at all. */
  readonly deep: AbortSignal | undefined;
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
    : {
        endpoint: "",
        problem: "",
        answer: undefined,
        settings: undefined,
        process: undefined,
        criu: undefined,
      };
  const kubelet = await readKubelet(places, places.kubeletConfig);
  const disks = disksOf(kubelet, options.rootDir, engine.answer?.info.DockerRootDir, isDocker);
  const [daemon, network, node, criDockerd] = await Promise.all([
    readDaemon(places, told, endpoint),
    readNetwork(places, options, places.deep),
    readNode(places, disks, now()),
    findProcess(procDir, "cri-dockerd"),
  ]);
  const leftovers = await readLeftoverCounts(places);
  return {
    runtime,
    daemon,
    engine,
    kubelet,
    node,
    network,
    leftovers,
    criDockerdPid: criDockerd?.pid,
  };
}

/** Of the kinds that are nobody else's; what is in the making is no leftover. */
async function readLeftoverCounts(places: CheckPlaces): Promise<CheckFacts["leftovers"]> {
  const node = await openNode(places);
  try {
    const own = allRemainKinds.filter(({ shared }) => !shared).map(({ name }) => name);
    const found = await findRemains(node, own, places.now() - usualMinAgeMs);
    return found.flatMap(({ kind, remains }) =>
      remains.length === 0 ? [] : [{ kind: kind.name, count: remains.length }],
    );
  } finally {
    await node.close();
  }
}

function disksOf(
  { rootDir: kubeletDir, settings }: KubeletFacts,
  rootDir: string,
  engineDir: string | undefined,
  isDocker: boolean,
): Pick<DiskFacts, "path" | "use" | "signal">[] {
  const logsDir = typeof settings === "object" ? settings.podLogsDir : usualLogsDir;
  return [
    { path: kubeletDir, use: "volumes", signal: "nodefs" },
    { path: logsDir, use: "logs", signal: "nodefs" },
    ...(isDocker ? [{ path: rootDir, use: "the daemon", signal: "nodefs" } as const] : []),
    ...(engineDir === undefined
      ? []
      : [{ path: engineDir, use: "images", signal: "imagefs" } as const]),
  ];
}
