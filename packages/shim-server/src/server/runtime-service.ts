import type { ConnectRouter } from "@connectrpc/connect";
import { RuntimeService } from "@dockershim/cri-types";
import { createContainerCreate } from "../container/container-create.js";
import { createContainerList } from "../container/container-list.js";
import { createContainerLogReopen } from "../container/container-log-reopen.js";
import { createContainerRemove } from "../container/container-remove.js";
import { createContainerStart } from "../container/container-start.js";
import { createContainerStatus } from "../container/container-status.js";
import { createContainerStop } from "../container/container-stop.js";
import { createContainerUpdate } from "../container/container-update.js";
import type { ShimContext } from "../context.js";
import { createExecSync } from "../exec/exec-sync.js";
import { createRuntimeConfig, createUpdateRuntimeConfig } from "../runtime/runtime-config.js";
import { createRuntimeStatus } from "../runtime/runtime-status.js";
import { createRuntimeVersion } from "../runtime/runtime-version.js";
import { createSandboxList } from "../sandbox/sandbox-list.js";
import { createSandboxRemove } from "../sandbox/sandbox-remove.js";
import { createSandboxRun } from "../sandbox/sandbox-run.js";
import { createSandboxStatus } from "../sandbox/sandbox-status.js";
import { createSandboxStop } from "../sandbox/sandbox-stop.js";
import { createSandboxUpdate } from "../sandbox/sandbox-update.js";
import { createContainerStats, createContainerStatsList } from "../stats/container-stats.js";
import { metricDescriptors } from "../stats/metric-catalog.js";
import { createSandboxMetricsList } from "../stats/sandbox-metrics.js";
import { createSandboxStats, createSandboxStatsList } from "../stats/sandbox-stats.js";
import {
  createContainerStatsStream,
  createSandboxMetricsStream,
  createSandboxStatsStream,
} from "../stats/stats-streams.js";
import { createAttachUrl, createExecUrl } from "../streaming/exec-url.js";
import { createPortForwardUrl } from "../streaming/port-forward-url.js";
import { createContainerStream, createSandboxStream } from "./streaming-lists.js";

/** Binds CRI's RuntimeService to its handlers; a method without one answers UNIMPLEMENTED. */
export function registerRuntimeService(router: ConnectRouter, context: ShimContext): void {
  router.service(RuntimeService, {
    version: createRuntimeVersion(context),
    status: createRuntimeStatus(context),
    runtimeConfig: createRuntimeConfig(context),
    updateRuntimeConfig: createUpdateRuntimeConfig(context),
    runPodSandbox: createSandboxRun(context),
    stopPodSandbox: createSandboxStop(context),
    removePodSandbox: createSandboxRemove(context),
    listPodSandbox: createSandboxList(context),
    podSandboxStatus: createSandboxStatus(context),
    createContainer: createContainerCreate(context),
    startContainer: createContainerStart(context),
    stopContainer: createContainerStop(context),
    removeContainer: createContainerRemove(context),
    listContainers: createContainerList(context),
    containerStatus: createContainerStatus(context),
    reopenContainerLog: createContainerLogReopen(context),
    updateContainerResources: createContainerUpdate(context),
    updatePodSandboxResources: createSandboxUpdate(context),
    execSync: createExecSync(context),
    exec: createExecUrl(context),
    attach: createAttachUrl(context),
    portForward: createPortForwardUrl(context),
    streamPodSandboxes: createSandboxStream(context),
    streamContainers: createContainerStream(context),
    containerStats: createContainerStats(context),
    listContainerStats: createContainerStatsList(context),
    streamContainerStats: createContainerStatsStream(context),
    podSandboxStats: createSandboxStats(context),
    listPodSandboxStats: createSandboxStatsList(context),
    streamPodSandboxStats: createSandboxStatsStream(context),
    listMetricDescriptors: metricDescriptors,
    listPodSandboxMetrics: createSandboxMetricsList(context),
    streamPodSandboxMetrics: createSandboxMetricsStream(context),
    getContainerEvents: context.events.subscribe,
  });
}
