import type { EngineInfo } from "@dockershim/docker-client";
import type { EngineFacts } from "@dockershim/pod-sandbox";
import type { Logger } from "pino";
import type { CloserStack } from "../async/closer-stack.js";
import { adoptLimits } from "../engine-work/adopt-limits.js";
import { type CgroupLimits, createCgroupLimits } from "../engine-work/cgroup-limits.js";
import { createExecRunner, type ExecRunner } from "../exec/exec-process.js";
import { createEnginePull, type EnginePull } from "../image/engine-pull.js";
import { createImageAccounts, type ImageAccounts } from "../image/image-accounts.js";
import { createImageFiles, type ImageFiles } from "../image/image-files.js";
import { createPauseImage, type PauseImage } from "../image/pause-image.js";
import { createCniNetwork } from "../network/cni-network.js";
import { observeNetwork } from "../network/observed-network.js";
import { createNoNetwork, type PodNetwork } from "../network/pod-network.js";
import { createStrayRelease } from "../network/stray-release.js";
import { type Nri, withoutNri } from "../nri/nri.js";
import { openNri } from "../nri/open-nri.js";
import type { FeedObserver } from "../observed/observers.js";
import type { ShimOptions } from "../options.js";
import { type NodeClassReader, openNodeClasses } from "../pods/node-classes.js";
import { type ContainerSpecs, createContainerSpecs } from "../spec-hook/container-specs.js";
import { type EventFeed, startEventFeed } from "../state/event-feed.js";
import { createStatsSource, type StatsSource } from "../stats/stats-source.js";
import type { Observers } from "../telemetry/observers.js";
import type { EngineParts } from "./open-engine.js";

/** What works on the node: its pod network, and all that follows the engine's events. */
export interface NodeParts {
  readonly network: PodNetwork;
  readonly feed: EventFeed;
  readonly stats: StatsSource;
  readonly run: ExecRunner;
  readonly pull: EnginePull;
  readonly pauseImage: PauseImage;
  readonly imageFiles: ImageFiles;
  readonly imageAccounts: ImageAccounts;
  readonly cgroupLimits: CgroupLimits;
  readonly specs: ContainerSpecs;
  readonly nri: Nri;
  readonly nodeClasses: NodeClassReader;
}

/**
 * Opens the pod network and begins to follow the engine; on return the engine was read once, or
 * found to be out of reach.
 */
export async function openNode(
  options: ShimOptions,
  parts: EngineParts & {
    readonly instance: string;
    readonly observers: Observers;
    readonly feedObserver: FeedObserver | undefined;
    readonly log: Logger;
  },
  closers: CloserStack,
): Promise<NodeParts> {
  const { docker, engine, images, store, logs, execExits, oomKills, unmanagedLimits } = parts;
  const { instance, observers, log } = parts;
  const nodeClasses = await openNodeClasses(options);
  const network = await openNetwork(options, parts, closers);
  const strays = createStrayRelease({ store, network, log });
  closers.push("networks being released", () => strays.close());
  oomKills.follow(store);
  const imageFiles = createImageFiles(docker, instance, log);
  const cgroupLimits = createCgroupLimits({ log });
  closers.push("limits of cgroups", () => cgroupLimits.close());
  const specs = createContainerSpecs({
    ...{ store, engine, instance, rootDir: options.rootDir, log },
    observer: observers.specHook,
  });
  closers.push("spec hooks", () => specs.close());
  const synced = Promise.withResolvers<void>();
  let first = true;
  const feed = startEventFeed({
    docker,
    store,
    images,
    engine,
    execExits,
    onSynced() {
      strays.collect();
      if (!first) return;
      first = false;
      synced.resolve();
      void imageFiles.removeLeftovers();
      specs.sweep();
      void parts.checkpoints.recover();
      const unadopt = adoptLimits({ store, engine, cgroupLimits, unmanagedLimits });
      closers.push("limits of an earlier daemon", unadopt);
      tellLimits(engine.known().facts, log);
      if (options.nriSocket !== "") tellOtherNri(engine.known().info, log);
    },
    onWritten: (id) => stats.written(id),
    observer: parts.feedObserver,
    log,
  });
  closers.push("the event feed", () => feed.stop());
  const stats = createStatsSource({ store, engine, log });
  closers.push("statistics", () => stats.close());
  const nri =
    options.nriSocket === ""
      ? undefined
      : await openNri(options, {
          ...parts,
          cgroupLimits,
          addresses: network.addresses,
          synced: synced.promise,
          observer: observers.nri,
        });
  closers.push("NRI plugins", async () => await nri?.close());
  const pull = createEnginePull({ docker, images, options, log });
  await feed.firstContact;
  if (feed.current) {
    const ids = new Set([...store.containers()].map(({ id }) => id));
    oomKills.sweep(ids);
    await logs.sweep(ids);
    // The first pod is to be theirs too.
    await nri?.launched;
  }
  return {
    network,
    feed,
    stats,
    run: createExecRunner({ docker, store, execExits, log }),
    pull,
    pauseImage: createPauseImage(options, { docker, engine, images, store, pull, log }),
    imageFiles,
    imageAccounts: createImageAccounts(imageFiles),
    cgroupLimits,
    specs,
    nri: nri ?? withoutNri,
    nodeClasses,
  };
}

/** What the host does not let pods have; told once, since it is the same for each of them. */
function tellLimits({ minOomScoreAdj }: EngineFacts, log: Logger): void {
  if (minOomScoreAdj <= -1000) return;
  log.warn(
    {
      lowest: minOomScoreAdj,
      hint: "harmless in nested setups; CAP_SYS_RESOURCE for Docker and dockershim lifts it",
    },
    "oom_score_adj of pods is raised to the lowest that this host permits",
  );
}

/** Plugins that two of them call would do all twice. */
function tellOtherNri({ NRI: other }: EngineInfo, log: Logger): void {
  if (other == null) return;
  log.warn(
    {
      engine: Object.fromEntries(other.Info ?? []),
      hint: "leave nri-opts out of Docker's daemon.json, or give the two plugins of their own",
    },
    "the engine's own NRI is on too: a plugin that both call sees each container twice",
  );
}

async function openNetwork(
  options: ShimOptions,
  { observers, log }: { readonly observers: Observers; readonly log: Logger },
  closers: CloserStack,
): Promise<PodNetwork> {
  const network =
    options.networkPlugin === "cni"
      ? await createCniNetwork(options, log, observers.plugin)
      : createNoNetwork();
  closers.push("the pod network", () => network.close());
  return observers.network === undefined ? network : observeNetwork(network, observers.network);
}
