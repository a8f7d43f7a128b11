import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createDockerClient } from "@dockershim/docker-client";
import { type Logger, pino } from "pino";
import { createCgroupLimits } from "./engine-work/cgroup-limits.js";
import { createContainerEvents } from "./events/container-events.js";
import { createEnginePull } from "./image/engine-pull.js";
import { createImageAccounts } from "./image/image-accounts.js";
import { createImageFiles } from "./image/image-files.js";
import { createPauseImage } from "./image/pause-image.js";
import { createCriLogs } from "./logs/cri-logs.js";
import { createDockerLogLinks } from "./logs/docker-log-link.js";
import { createContainerLogs } from "./logs/log-modes.js";
import { createCniNetwork } from "./network/cni-network.js";
import { observeNetwork } from "./network/observed-network.js";
import { createNoNetwork } from "./network/pod-network.js";
import { createStrayRelease } from "./network/stray-release.js";
import { defaultShimOptions, type ShimOptions } from "./options.js";
import { serveGrpc } from "./server/grpc-server.js";
import { socketPath } from "./server/unix-socket.js";
import { createEngine } from "./state/engine.js";
import { startEventFeed } from "./state/event-feed.js";
import { createExecExits } from "./state/exec-exits.js";
import { createImageStore } from "./state/image-store.js";
import { instanceOf } from "./state/instance.js";
import { createOwnership } from "./state/ownership.js";
import { createPodResources } from "./state/pod-resources.js";
import { createStore } from "./state/store.js";
import { createUnmanagedLimits } from "./state/unmanaged-limits.js";
import { createStatsSource } from "./stats/stats-source.js";
import { type Streaming, startStreaming } from "./streaming/streaming.js";
import { createObservers } from "./telemetry/observers.js";
import { type OperationsServer, serveOperations } from "./telemetry/operations-server.js";
import { whyUnready } from "./telemetry/readiness.js";
import { createShimMetrics } from "./telemetry/shim-metrics.js";
import { createTracing } from "./telemetry/tracing.js";
import { version } from "./version.js";

/** A daemon that serves. */
export interface Shim {
  /** Where it answers CRI, as `unix:///path`. */
  readonly endpoint: string;
  /** Ends it: running calls get 4 s to finish. Pods go on without it. */
  close(): Promise<void>;
}

/** The kubelet is told within 5 s of SIGTERM that we are gone, so calls get a little less. */
const drainMs = 4_000;

/**
 * Starts the daemon.
 *
 * It serves as soon as the engine was read once, or was found to be out of reach; in that case
 * calls fail with UNAVAILABLE until the engine answers.
 *
 * @param options What differs from {@link defaultShimOptions}.
 * @param log Where to log; standard output as JSON lines by default.
 * @throws ShimError `invalid_argument` for an option, `failed_precondition` when the socket is in
 * use.
 */
export async function startShim(options: Partial<ShimOptions>, log?: Logger): Promise<Shim> {
  const chosen: ShimOptions = { ...defaultShimOptions, ...options };
  const path = socketPath(chosen.listen);
  const logger = log ?? pino({ level: chosen.logLevel, base: null });
  mkdirSync(chosen.rootDir, { recursive: true, mode: 0o700 });
  const instance = instanceOf(chosen.rootDir);

  const metrics = chosen.metricsBindAddr === "" ? undefined : createShimMetrics();
  const tracing = await createTracing(chosen.tracingEndpoint, logger);
  const observers = createObservers(metrics, tracing);
  const docker = createDockerClient({
    endpoint: chosen.dockerEndpoint,
    requestTimeoutMs: chosen.runtimeRequestTimeoutMs,
    onRequest: observers.request,
    log: logger.child({ part: "docker" }),
  });
  const engine = createEngine(docker, chosen);
  const images = createImageStore(docker.images);
  const logs = createContainerLogs(chosen.logMode, {
    cri: createCriLogs({ directory: join(chosen.rootDir, "logs"), engine, log: logger }),
    docker: createDockerLogLinks(),
  });
  const store = createStore({
    containers: docker.containers,
    owns: createOwnership(instance, chosen),
    log: logger,
    beforePublish: logs.beforePublish,
  });
  // Containers also go without a call of ours.
  store.onChange(({ before, after }) => {
    if (after !== undefined || before?.kind !== "container") return;
    logs.removed(before).catch((err) => logger.warn({ err }, "could not clean up after a log"));
  });
  const execExits = createExecExits();
  const plainNetwork =
    chosen.networkPlugin === "cni" ? await createCniNetwork(chosen, logger) : createNoNetwork();
  const network =
    observers.network === undefined
      ? plainNetwork
      : observeNetwork(plainNetwork, observers.network);
  const strays = createStrayRelease({ store, network, log: logger });
  const feed = startEventFeed({
    docker,
    store,
    images,
    engine,
    execExits,
    onSynced: strays.collect,
    observer: metrics?.feed,
    log: logger,
  });
  const unmanagedLimits = createUnmanagedLimits(store);
  const imageFiles = createImageFiles(docker, instance, logger);
  const stats = createStatsSource({ store, engine, log: logger });
  const events = createContainerEvents({ store, network, images, unmanagedLimits });
  const pull = createEnginePull({ docker, images, options: chosen, log: logger });
  const pauseImage = createPauseImage(chosen, { docker, engine, images, store, pull, log: logger });

  let streaming: Streaming | undefined;
  let operations: OperationsServer | undefined;
  const stopParts = async (): Promise<void> => {
    await operations?.close();
    metrics?.close();
    await streaming?.close();
    await feed.stop();
    await logs.close();
    await stats.close();
    await strays.close();
    await network.close();
    await docker.close();
    await tracing?.close();
  };
  try {
    await feed.firstContact;
    void imageFiles.removeLeftovers();
    if (feed.current) await logs.sweep(new Set([...store.containers()].map(({ id }) => id)));
    streaming = await startStreaming({
      options: chosen,
      docker,
      store,
      feed,
      execExits,
      log: logger,
    });
    if (metrics !== undefined) {
      metrics.watch({ store, images, engine, feed, streaming, logs });
      operations = await serveOperations(chosen.metricsBindAddr, {
        metrics: metrics.render,
        unready: () => whyUnready({ feed, engine, network }),
        log: logger,
      });
    }
    const server = await serveGrpc(
      {
        options: chosen,
        log: logger,
        instance,
        docker,
        engine,
        store,
        images,
        feed,
        network,
        logs,
        events,
        execExits,
        streaming,
        pull,
        pauseImage,
        imageFiles,
        imageAccounts: createImageAccounts(imageFiles),
        cgroupLimits: createCgroupLimits(),
        unmanagedLimits,
        podResources: createPodResources(store),
        stats,
        metrics,
        tracing,
      },
      path,
    );
    logger.info({ endpoint: chosen.listen, instance, version }, "ready");
    return {
      endpoint: `unix://${path}`,
      async close() {
        logger.info("stopping");
        events.close();
        await Promise.all([server.close(drainMs), streaming?.close()]);
        await stopParts();
        logger.info("stopped");
      },
    };
  } catch (err) {
    await stopParts();
    throw err;
  }
}
