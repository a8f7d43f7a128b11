import type { DockerClient } from "@dockershim/docker-client";
import type { Logger } from "pino";
import type { CgroupLimits } from "./engine-work/cgroup-limits.js";
import type { ContainerEvents } from "./events/container-events.js";
import type { EnginePull } from "./image/engine-pull.js";
import type { ImageAccounts } from "./image/image-accounts.js";
import type { ImageFiles } from "./image/image-files.js";
import type { PauseImage } from "./image/pause-image.js";
import type { ContainerLogs } from "./logs/container-logs.js";
import type { PodNetwork } from "./network/pod-network.js";
import type { ShimOptions } from "./options.js";
import type { Engine } from "./state/engine.js";
import type { EventFeed } from "./state/event-feed.js";
import type { ExecExits } from "./state/exec-exits.js";
import type { ImageStore } from "./state/image-store.js";
import type { PodResources } from "./state/pod-resources.js";
import type { Store } from "./state/store.js";
import type { UnmanagedLimitsStore } from "./state/unmanaged-limits.js";
import type { StatsSource } from "./stats/stats-source.js";
import type { Streaming } from "./streaming/streaming.js";
import type { ShimMetrics } from "./telemetry/shim-metrics.js";
import type { Tracing } from "./telemetry/tracing.js";

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
