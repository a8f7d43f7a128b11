import type { DockerClient } from "@dockershim/docker-client";
import type { Logger } from "pino";
import type { CgroupLimits } from "./container/cgroup-limits.js";
import type { ImageAccounts } from "./container/image-accounts.js";
import type { ImageFiles } from "./container/image-files.js";
import type { UnmanagedLimitsStore } from "./container/unmanaged-limits.js";
import type { Engine } from "./engine.js";
import type { ContainerEvents } from "./events/container-events.js";
import type { ExecExits } from "./exec/exec-exits.js";
import type { EnginePull } from "./image/engine-pull.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import type { ShimMetrics } from "./metrics/shim-metrics.js";
import type { PodNetwork } from "./network/pod-network.js";
import type { ShimOptions } from "./options.js";
import type { PauseImage } from "./sandbox/pause-image.js";
import type { PodResources } from "./sandbox/pod-resources.js";
import type { StatsSource } from "./stats/stats-source.js";
import type { EventFeed } from "./store/event-feed.js";
import type { ImageStore } from "./store/image-store.js";
import type { Store } from "./store/store.js";
import type { Streaming } from "./streaming/streaming.js";
import type { Tracing } from "./tracing/tracing.js";

/** The parts of the running daemon. Each handler names those it uses with `Pick`. */
export interface ShimContext {
  readonly options: ShimOptions;
  readonly log: Logger;
  readonly instance: string;
  readonly docker: DockerClient;
  readonly engine: Engine;
  readonly store: Store;
  readonly images: ImageStore;
  readonly feed: EventFeed;
  readonly network: PodNetwork;
  readonly logs: ContainerLogs;
  readonly events: ContainerEvents;
  readonly execExits: ExecExits;
  readonly streaming: Streaming;
  readonly pull: EnginePull;
  readonly pauseImage: PauseImage;
  readonly imageFiles: ImageFiles;
  readonly imageAccounts: ImageAccounts;
  readonly cgroupLimits: CgroupLimits;
  readonly unmanagedLimits: UnmanagedLimitsStore;
  readonly podResources: PodResources;
  readonly stats: StatsSource;
  /** Undefined when nobody wants them. */
  readonly metrics: ShimMetrics | undefined;
  /** Undefined when it is not configured. */
  readonly tracing: Tracing | undefined;
}

/** What a handler knows of its call. */
export interface CallContext {
  /** Fires when the caller's deadline has passed or the caller has gone. */
  readonly signal: AbortSignal;
}
