import { setImmediate } from "node:timers/promises";
import { allParts, type FilesystemCapacity, readFilesystemCapacity } from "@dockershim/cgroups";
import type { ContainerMetrics, PodSandboxMetrics } from "@dockershim/cri-types";
import { parseTimestamp } from "@dockershim/pod-sandbox";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import { createStoragePath } from "../state/storage-path.js";
import type { ContainerStatsParts } from "./container-stats.js";
import { addContainerSamples, addNetworkSamples, createSamples } from "./metric-samples.js";

/**
 * ListPodSandboxMetrics: of pods that run; containers that end meanwhile are left out.
 *
 * Others get their turn after each pod: counting descriptors takes half a millisecond a container.
 */
export function createSandboxMetricsList(
  parts: ContainerStatsParts,
): () => Promise<{ podMetrics: PodSandboxMetrics[] }> {
  const { store } = parts;
  const storagePath = createStoragePath(parts.engine);
  return async () => {
    const disk = await readFilesystemCapacity(storagePath());
    const found: PodSandboxMetrics[] = [];
    for (const sandbox of [...store.sandboxes()]) {
      const metrics = podMetrics(sandbox, parts, disk);
      if (metrics !== undefined) found.push(metrics);
      await setImmediate();
    }
    return { podMetrics: found };
  };
}

function podMetrics(
  sandbox: SandboxRecord,
  { store, stats: source }: ContainerStatsParts,
  disk: FilesystemCapacity | undefined,
): PodSandboxMetrics | undefined {
  const { id, inspect } = sandbox;
  if (!inspect.State.Running) return undefined;
  const network =
    inspect.HostConfig.NetworkMode === "host"
      ? undefined
      : source.reader().readNetwork(inspect.State.Pid, { defaultInterface: "eth0" });
  const pod = createSamples(labelValues(sandbox, sandbox));
  if (network !== undefined) addNetworkSamples(pod.add, network);
  const containerMetrics: ContainerMetrics[] = [];
  for (const container of store.containersOf(id)) {
    const metrics = containerSamples(container, sandbox, source, disk);
    if (metrics !== undefined) containerMetrics.push(metrics);
  }
  return {
    $typeName: "runtime.v1.PodSandboxMetrics",
    podSandboxId: id,
    metrics: pod.all,
    containerMetrics,
  };
}

function containerSamples(
  record: ContainerRecord,
  sandbox: SandboxRecord,
  source: ContainerStatsParts["stats"],
  disk: FilesystemCapacity | undefined,
): ContainerMetrics | undefined {
  const path = source.cgroupOf(record);
  const reader = source.reader();
  const stats = path === undefined ? undefined : reader.read(path, allParts);
  if (path === undefined || stats === undefined) return undefined;
  const { State: state } = record.inspect;
  const { all, add } = createSamples(labelValues(record, sandbox));
  addContainerSamples(add, {
    stats,
    counts: reader.countProcesses(path, { fileDescriptors: true }),
    ulimits: reader.readUlimits(state.Pid),
    layer: source.layer(record.id),
    disk,
    startedAt: parseTimestamp(state.StartedAt),
    deviceName: reader.blockDeviceName,
  });
  return { $typeName: "runtime.v1.ContainerMetrics", containerId: record.id, metrics: all };
}

/** In the order of `commonLabels`. A pod's own metrics are its pause container's, named POD. */
function labelValues(
  record: ContainerRecord | SandboxRecord,
  { item: { metadata: pod } }: SandboxRecord,
): string[] {
  const { id, inspect, name } = record;
  const container = record.kind === "sandbox" ? "POD" : (record.item.metadata?.name ?? "");
  return [container, id, inspect.Config.Image ?? "", name, pod?.namespace ?? "", pod?.name ?? ""];
}
