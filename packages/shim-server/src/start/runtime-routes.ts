import type { RuntimeService } from "@dockershim/cri-types";
import type { ContainerEvents } from "../events/container-events.js";
import { createExecSync, type ExecSyncParts } from "../exec/exec-sync.js";
import {
  type ContainerCheckpointParts,
  createContainerCheckpoint,
} from "../pods/container-checkpoint.js";
import { type ContainerCreateParts, createContainerCreate } from "../pods/container-create.js";
import { createContainerList } from "../pods/container-list.js";
import {
  type ContainerLogReopenParts,
  createContainerLogReopen,
} from "../pods/container-log-reopen.js";
import { createContainerRemove } from "../pods/container-remove.js";
import { type ContainerStartParts, createContainerStart } from "../pods/container-start.js";
import { type ContainerStatusParts, createContainerStatus } from "../pods/container-status.js";
import { createContainerStop } from "../pods/container-stop.js";
import { type ContainerUpdateParts, createContainerUpdate } from "../pods/container-update.js";
import {
  createHotContainerList,
  createHotContainerStatus,
  createHotSandboxList,
  createHotSandboxStatus,
} from "../pods/hot-replies.js";
import { createContainerStream, createSandboxStream } from "../pods/list-streams.js";
import { createSandboxList } from "../pods/sandbox-list.js";
import { createSandboxRemove } from "../pods/sandbox-remove.js";
import { createSandboxRun, type SandboxRunParts } from "../pods/sandbox-run.js";
import { createSandboxStatus, type SandboxStatusParts } from "../pods/sandbox-status.js";
import { createSandboxStop } from "../pods/sandbox-stop.js";
import { createSandboxUpdate, type SandboxUpdateParts } from "../pods/sandbox-update.js";
import { createRuntimeConfig, createUpdateRuntimeConfig } from "../runtime/runtime-config.js";
import { createRuntimeStatus, type RuntimeStatusParts } from "../runtime/runtime-status.js";
import {
  createHotRuntimeVersion,
  createRuntimeVersion,
  type RuntimeVersionParts,
} from "../runtime/runtime-version.js";
import { type Routes, unimplemented } from "../server/route.js";
import type { ImageStore } from "../state/image-store.js";
import {
  type ContainerStatsParts,
  createContainerStats,
  createContainerStatsList,
} from "../stats/container-stats.js";
import { createContainerStatsReply } from "../stats/container-stats-reply.js";
import { metricDescriptors } from "../stats/metric-catalog.js";
import { createSandboxMetrics } from "../stats/sandbox-metrics.js";
import { createSandboxStats, createSandboxStatsList } from "../stats/sandbox-stats.js";
import { createContainerStatsStream, createSandboxStatsStream } from "../stats/stats-streams.js";
import { createAttachUrl, createExecUrl, type ExecUrlParts } from "../streaming/exec-url.js";
import { createPortForwardUrl, type PortForwardUrlParts } from "../streaming/port-forward-url.js";

/** What the handlers of RuntimeService use, all together. */
export type RuntimeRouteParts = ContainerCheckpointParts &
  ContainerCreateParts &
  ContainerLogReopenParts &
  ContainerStartParts &
  ContainerStatusParts &
  ContainerUpdateParts &
  SandboxRunParts &
  SandboxStatusParts &
  SandboxUpdateParts &
  RuntimeStatusParts &
  RuntimeVersionParts &
  ContainerStatsParts &
  ExecSyncParts &
  ExecUrlParts &
  PortForwardUrlParts &
  Parameters<typeof createUpdateRuntimeConfig>[0] & {
    readonly events: Pick<ContainerEvents, "subscribe">;
    readonly images: Pick<ImageStore, "version" | "unread" | "unreadNames">;
  };

/** How each method of CRI's RuntimeService is answered. */
export function runtimeRoutes(parts: RuntimeRouteParts): Routes<typeof RuntimeService> {
  const metrics = createSandboxMetrics(parts);
  return {
    version: {
      handler: createRuntimeVersion(parts),
      needs: "store",
      hot: { reply: createHotRuntimeVersion(parts) },
    },
    status: { handler: createRuntimeStatus(parts), needs: "nothing" },
    runtimeConfig: { handler: createRuntimeConfig(parts), needs: "nothing" },
    updateRuntimeConfig: { handler: createUpdateRuntimeConfig(parts), needs: "nothing" },

    runPodSandbox: { handler: createSandboxRun(parts), needs: "store" },
    stopPodSandbox: { handler: createSandboxStop(parts), needs: "store" },
    removePodSandbox: { handler: createSandboxRemove(parts), needs: "store" },
    listPodSandbox: {
      handler: createSandboxList(parts),
      needs: "store",
      hot: { reply: createHotSandboxList(parts) },
    },
    streamPodSandboxes: { handler: createSandboxStream(parts), needs: "store" },
    podSandboxStatus: {
      handler: createSandboxStatus(parts),
      needs: "store",
      hot: { reply: createHotSandboxStatus(parts) },
    },
    updatePodSandboxResources: { handler: createSandboxUpdate(parts), needs: "store" },

    createContainer: { handler: createContainerCreate(parts), needs: "store" },
    startContainer: { handler: createContainerStart(parts), needs: "store" },
    stopContainer: { handler: createContainerStop(parts), needs: "store" },
    removeContainer: { handler: createContainerRemove(parts), needs: "store" },
    listContainers: {
      handler: createContainerList(parts),
      needs: "store",
      hot: { reply: createHotContainerList(parts) },
    },
    streamContainers: { handler: createContainerStream(parts), needs: "store" },
    containerStatus: {
      handler: createContainerStatus(parts),
      needs: "store",
      hot: { reply: createHotContainerStatus(parts) },
    },
    updateContainerResources: { handler: createContainerUpdate(parts), needs: "store" },
    reopenContainerLog: { handler: createContainerLogReopen(parts), needs: "store" },
    checkpointContainer: { handler: createContainerCheckpoint(parts), needs: "store" },
    checkpointPod: unimplemented(
      "Docker Engine checkpoints containers one by one, not the containers of a pod at one moment",
    ),
    restorePod: unimplemented(
      "Docker Engine restores a checkpoint into the container it was taken of, not into a new pod",
    ),

    execSync: { handler: createExecSync(parts), needs: "store" },
    exec: { handler: createExecUrl(parts), needs: "store" },
    attach: { handler: createAttachUrl(parts), needs: "store" },
    portForward: { handler: createPortForwardUrl(parts), needs: "store" },

    containerStats: { handler: createContainerStats(parts), needs: "store" },
    listContainerStats: {
      handler: createContainerStatsList(parts),
      needs: "store",
      hot: { reply: createContainerStatsReply(parts) },
    },
    streamContainerStats: { handler: createContainerStatsStream(parts), needs: "store" },
    podSandboxStats: { handler: createSandboxStats(parts), needs: "store" },
    listPodSandboxStats: { handler: createSandboxStatsList(parts), needs: "store" },
    streamPodSandboxStats: { handler: createSandboxStatsStream(parts), needs: "store" },
    listMetricDescriptors: { handler: metricDescriptors, needs: "nothing" },
    listPodSandboxMetrics: {
      handler: metrics.list,
      needs: "store",
      hot: { reply: metrics.encodedList },
    },
    streamPodSandboxMetrics: { handler: metrics.stream, needs: "store" },

    getContainerEvents: { handler: parts.events.subscribe, needs: "nothing" },
  };
}
