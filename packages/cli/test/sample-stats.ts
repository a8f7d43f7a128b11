import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerSchema,
  type ContainerStatsSchema,
  MetricType,
  type PodSandboxMetricsSchema,
  type PodSandboxSchema,
  type PodSandboxStatsSchema,
} from "@dockershim/cri-types";
import { ids } from "./sample-ids.js";

/** A runtime that tells rates; `web` has half of its limit, `db` has no limit and no disk. */
export function containerStats(
  containers: readonly MessageInitShape<typeof ContainerSchema>[],
): MessageInitShape<typeof ContainerStatsSchema>[] {
  return containers
    .filter(({ id }) => id !== ids.ended)
    .map(({ id, metadata }) => {
      const isWeb = id === ids.web;
      return {
        attributes: { id, metadata },
        cpu: { timestamp: 1n, usageNanoCores: { value: isWeb ? 5_400_000n : 1_500_000_000n } },
        memory: {
          workingSetBytes: { value: 13_107_200n },
          ...(isWeb && {
            availableBytes: { value: 13_107_200n },
            psi: { Some: { Total: 1n, Avg10: 7.25, Avg60: 1, Avg300: 1 } },
          }),
        },
        ...(isWeb && {
          writableLayer: { usedBytes: { value: 4_096n }, inodesUsed: { value: 9n } },
        }),
      } as MessageInitShape<typeof ContainerStatsSchema>;
    });
}

/** A runtime that tells sums only: a quarter of a core, by its own clock. */
export function podStats(
  pods: readonly MessageInitShape<typeof PodSandboxSchema>[],
  reads: number,
): MessageInitShape<typeof PodSandboxStatsSchema>[] {
  return pods.map(({ id, metadata }) => ({
    attributes: { id, metadata } as { id: string },
    linux: {
      cpu: {
        timestamp: BigInt(reads) * 1_000_000_000n,
        usageCoreNanoSeconds: { value: BigInt(reads) * 250_000_000n },
      },
      memory: { workingSetBytes: { value: 2_097_152n } },
      network: {
        defaultInterface: { name: "eth0", rxBytes: { value: 1_000n }, txBytes: { value: 2_048n } },
      },
      process: { processCount: { value: 3n } },
    },
  }));
}

/** Two families, one of which nobody has described. */
export const sampleMetrics: MessageInitShape<typeof PodSandboxMetricsSchema> = {
  podSandboxId: ids.front,
  metrics: [
    {
      ...{ name: "cpu_total", metricType: MetricType.COUNTER, timestamp: 1_500_000_000n },
      ...{ labelValues: ["front", 'a"b\\'], value: { value: 7n } },
    },
    { name: "threads", metricType: MetricType.GAUGE, value: { value: 3n } },
  ],
  containerMetrics: [
    {
      containerId: ids.web,
      metrics: [{ name: "cpu_total", labelValues: ["front", "web"], value: { value: 2n } }],
    },
  ],
};
