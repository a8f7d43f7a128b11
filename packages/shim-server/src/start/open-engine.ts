import { join, resolve } from "node:path";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import type { Logger } from "pino";
import type { CloserStack } from "../async/closer-stack.js";
import { type Checkpoints, createCheckpoints } from "../checkpoint/checkpoints.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import { createCriLogs } from "../logs/cri-logs.js";
import { createDockerLogLinks } from "../logs/docker-log-link.js";
import { createContainerLogs } from "../logs/log-modes.js";
import type { ShimOptions } from "../options.js";
import { createEngine, type Engine } from "../state/engine.js";
import { createExecExits, type ExecExits } from "../state/exec-exits.js";
import { createImageStore, type ImageStore } from "../state/image-store.js";
import { createOomKills, type OomKills } from "../state/oom-kills.js";
import { createOwnership } from "../state/ownership.js";
import { createPodResources, type PodResources } from "../state/pod-resources.js";
import { createStore, type Store } from "../state/store.js";
import { createUnmanagedLimits, type UnmanagedLimitsStore } from "../state/unmanaged-limits.js";
import type { Observers } from "../telemetry/observers.js";

/** The engine, and what is known of it. */
export interface EngineParts {
  readonly docker: DockerClient;
  readonly engine: Engine;
  readonly images: ImageStore;
  readonly store: Store;
  readonly logs: ContainerLogs;
  readonly execExits: ExecExits;
  readonly unmanagedLimits: UnmanagedLimitsStore;
  readonly podResources: PodResources;
  readonly oomKills: OomKills;
  readonly checkpoints: Checkpoints;
}

/** Opens the engine's client and the stores; nothing is asked yet. */
export function openEngine(
  options: ShimOptions,
  {
    instance,
    observers,
    log,
  }: { readonly instance: string; readonly observers: Observers; readonly log: Logger },
  closers: CloserStack,
): EngineParts {
  const docker = createDockerClient({
    endpoint: options.dockerEndpoint,
    requestTimeoutMs: options.runtimeRequestTimeoutMs,
    onRequest: observers.request,
    log: log.child({ part: "docker" }),
  });
  closers.push("the engine's client", () => docker.close());
  const engine = createEngine(docker, options);
  const logs = createContainerLogs(options.logMode, {
    cri: createCriLogs({ directory: join(options.rootDir, "logs"), engine, log }),
    docker: createDockerLogLinks({ log }),
  });
  closers.push("container logs", () => logs.close());
  const oomKills = createOomKills({ directory: join(options.rootDir, "oom-kills"), log });
  closers.push("watches for kills", () => oomKills.close());
  const store = createStore({
    containers: docker.containers,
    owns: createOwnership(instance, options),
    log,
    oomKilled: oomKills.has,
    beforePublish: logs.beforePublish,
  });
  closers.push("the store", () => store.close());
  // Containers also go without a call of ours.
  store.onChange(({ before, after }) => {
    if (after !== undefined || before?.kind !== "container") return;
    logs.removed(before).catch((err) => log.warn({ err }, "could not clean up after a log"));
  });
  const images = createImageStore({ images: docker.images, log });
  closers.push("the store of images", () => images.close());
  return {
    docker,
    engine,
    images,
    store,
    logs,
    execExits: createExecExits(),
    unmanagedLimits: createUnmanagedLimits(store),
    podResources: createPodResources(store),
    oomKills,
    checkpoints: createCheckpoints({
      docker,
      directory: resolve(options.rootDir, "checkpoints"),
      log,
    }),
  };
}
