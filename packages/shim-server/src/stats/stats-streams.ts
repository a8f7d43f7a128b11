import {
  type ContainerStats,
  ContainerStatsSchema,
  type PodSandboxStats,
  PodSandboxStatsSchema,
  type StreamContainerStatsRequest,
  type StreamPodSandboxStatsRequest,
} from "@dockershim/cri-types";
import { listChunks } from "../messages/list-chunks.js";
import { type ContainerStatsParts, createContainerStatsList } from "./container-stats.js";
import { createSandboxStatsList } from "./sandbox-stats.js";

/** StreamContainerStats: ListContainerStats in pieces. */
export function createContainerStatsStream(
  parts: ContainerStatsParts,
): (request: StreamContainerStatsRequest) => AsyncIterable<{ containerStats: ContainerStats[] }> {
  const list = createContainerStatsList(parts);
  return async function* (request) {
    const { stats } = await list(request);
    for (const containerStats of listChunks(ContainerStatsSchema, stats)) yield { containerStats };
  };
}

/** StreamPodSandboxStats: ListPodSandboxStats in pieces. */
export function createSandboxStatsStream(
  parts: ContainerStatsParts,
): (
  request: StreamPodSandboxStatsRequest,
) => AsyncIterable<{ podSandboxStats: PodSandboxStats[] }> {
  const list = createSandboxStatsList(parts);
  return async function* (request) {
    const { stats } = await list(request);
    for (const podSandboxStats of listChunks(PodSandboxStatsSchema, stats)) {
      yield { podSandboxStats };
    }
  };
}
