import type { ConnectRouter } from "@connectrpc/connect";
import { RuntimeService } from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { createExecSync } from "../exec/exec-sync.js";
import { createContainerCreate } from "../pods/container-create.js";
import { createContainerList } from "../pods/container-list.js";
import { createContainerLogReopen } from "../pods/container-log-reopen.js";
import { createContainerRemove } from "../pods/container-remove.js";
import { createContainerStart } from "../pods/container-start.js";
import { createContainerStatus } from "../pods/container-status.js";
import { createContainerStop } from "../pods/container-stop.js";
import { createContainerUpdate } from "../pods/container-update.js";
import { createSandboxList } from "../pods/sandbox-list.js";
import { createSandboxRemove } from "../pods/sandbox-remove.js";
import { createSandboxRun } from "../pods/sandbox-run.js";
import { createSandboxStatus } from "../pods/sandbox-status.js";
import { createSandboxStop } from "../pods/sandbox-stop.js";
import { createSandboxUpdate } from "../pods/sandbox-update.js";
import { createRuntimeConfig, createUpdateRuntimeConfig } from "../runtime/runtime-config.js";
import { createRuntimeStatus } from "../runtime/runtime-status.js";
import { createRuntimeVersion } from "../runtime/runtime-version.js";
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
