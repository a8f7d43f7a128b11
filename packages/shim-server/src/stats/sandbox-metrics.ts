import { setImmediate } from "node:timers/promises";
import { type FilesystemCapacity, metricParts, readFilesystemCapacity } from "@dockershim/cgroups";
import {
  type ListPodSandboxMetricsResponse,
  ListPodSandboxMetricsResponseSchema,
  type StreamPodSandboxMetricsResponse,
  StreamPodSandboxMetricsResponseSchema,
} from "@dockershim/cri-types";
import { parseTimestamp } from "@dockershim/pod-sandbox";
import { withEncodedItems } from "../messages/encoded.js";
import { chunksOf } from "../messages/list-chunks.js";
import type { ContainerRecord, SandboxRecord } from "../state/records.js";
import { createStoragePath } from "../state/storage-path.js";
import type { ContainerStatsParts } from "./container-stats.js";
import { addContainerSamples, addNetworkSamples, type ContainerReading } from "./metric-samples.js";
import { createMetricsWriter, type MetricsWriter } from "./metrics-writer.js";

/** What the list and the stream of metrics share. */
export interface SandboxMetrics {
  /** ListPodSandboxMetrics: of pods that run; containers that end meanwhile are left out. */
  list(): Promise<ListPodSandboxMetricsResponse>;
  /** The same for the hot calls: parts of the reply. */
  encodedList(): Promise<Uint8Array[]>;
  /** StreamPodSandboxMetrics: ListPodSandboxMetrics in pieces. */
  stream(): AsyncIterable<StreamPodSandboxMetricsResponse>;
}

const { podMetrics } = ListPodSandboxMetricsResponseSchema.field;
const { podSandboxMetrics } = StreamPodSandboxMetricsResponseSchema.field;

export function createSandboxMetrics(parts: ContainerStatsParts): SandboxMetrics {
  const { store } = parts;
  const storagePath = createStoragePath(parts.engine);
  let latestBytes = 0;

  async function collect(): Promise<MetricsWriter> {
    const disk = await readFilesystemCapacity(storagePath());
    const writer = createMetricsWriter(leastBytes + Math.ceil(latestBytes * growth));
    let turnBegan = performance.now();
    for (const sandbox of [...store.sandboxes()]) {
      if (!sandbox.inspect.State.Running) continue;
      writer.beginPod(sandbox.id);
      writePod(writer, sandbox, parts, disk);
      writer.endPod();
      if (performance.now() - turnBegan < turnMs) continue;
      await setImmediate();
      turnBegan = performance.now();
    }
    latestBytes = writer.fields().length;
    return writer;
  }

  return {
    list: async () =>
      withEncodedItems(ListPodSandboxMetricsResponseSchema, podMetrics, (await collect()).items()),
    encodedList: async () => [(await collect()).fields()],
    async *stream() {
      for (const items of chunksOf((await collect()).items(), ({ length }) => length)) {
        yield withEncodedItems(StreamPodSandboxMetricsResponseSchema, podSandboxMetrics, items);
      }
    },
  };
}

/** Others get their turn after so long: counting the descriptors of one pod alone may take as much. */
const turnMs = 1;

/** A reply is made in one buffer, of the size that the last one had and somewhat more. */
const leastBytes = 32 * 1024;
const growth = 1.05;

function writePod(
  writer: MetricsWriter,
  sandbox: SandboxRecord,
  { store, stats: source }: ContainerStatsParts,
  disk: FilesystemCapacity | undefined,
): void {
  const { id, inspect } = sandbox;
  const network =
    inspect.HostConfig.NetworkMode === "host"
      ? undefined
      : source.reader().readNetwork(inspect.State.Pid, { defaultInterface: "eth0" });
  if (network !== undefined) {
    addNetworkSamples(writer.samples(labelValues(sandbox, sandbox)), network);
  }
  for (const container of store.containersOf(id)) {
    const reading = readContainer(container, source, disk);
    if (reading === undefined) continue;
    writer.beginContainer(container.id);
    addContainerSamples(writer.samples(labelValues(container, sandbox)), reading);
    writer.endContainer();
  }
}

function readContainer(
  record: ContainerRecord,
  source: ContainerStatsParts["stats"],
  disk: FilesystemCapacity | undefined,
): ContainerReading | undefined {
  const path = source.cgroupOf(record);
  const reader = source.reader();
  const stats = path === undefined ? undefined : reader.read(path, metricParts);
  if (path === undefined || stats === undefined) return undefined;
  const { State: state } = record.inspect;
  return {
    stats,
    counts: reader.countProcesses(path, {
      fileDescriptors: true,
      threads: stats.pids === undefined,
      onlyPid: stats.pids?.current === 1n ? state.Pid : undefined,
    }),
    ulimits: reader.readUlimits(state.Pid),
    layer: source.layer(record.id),
    disk,
    startedAt: parseTimestamp(state.StartedAt),
    deviceName: reader.blockDeviceName,
  };
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
