import type { CriClient } from "@dockershim/cri-client";
import type { CpuUsage, MemoryUsage } from "@dockershim/cri-types";
import { type ContainerCandidate, listContainerCandidates } from "../objects/find-container.js";
import { formatBinaryBytes } from "../output/byte-size.js";

/** What a container or pod uses. */
export interface StatsRow {
  readonly id: string;
  /** `pod/container` or `namespace/pod`, to sort by. */
  readonly name: string;
  /** Cells between the id and the use of CPU. */
  readonly names: readonly string[];
  readonly cpu: CpuUsage | undefined;
  readonly memory: MemoryUsage | undefined;
  /** Cells behind memory. */
  readonly others: readonly string[];
}

/** What is asked for at each round of a table. */
export interface StatsTable {
  /** The columns around CPU and memory. */
  readonly header: { readonly names: readonly string[]; readonly others: readonly string[] };
  read(): Promise<StatsRow[]>;
}

/** @param wanted Ids; undefined for all that run. */
export function containerTable(
  client: CriClient,
  wanted: ReadonlySet<string> | undefined,
): StatsTable {
  return {
    header: { names: ["container", "name", "pod"], others: ["disk", "inodes"] },
    async read() {
      const [{ stats }, candidates] = await Promise.all([
        client.runtime.listContainerStats({}),
        listContainerCandidates(client),
      ]);
      const known = new Map(candidates.map((each) => [each.id, each]));
      return stats.flatMap(({ attributes, cpu, memory, writableLayer }) => {
        const { id = "", metadata } = attributes ?? {};
        if (wanted !== undefined && !wanted.has(id)) return [];
        const pod = podOf(known.get(id));
        const name = metadata?.name ?? "";
        const disk = bytesOf(writableLayer?.usedBytes);
        const inodes = `${writableLayer?.inodesUsed?.value ?? "-"}`;
        return [
          { id, name: `${pod}/${name}`, names: [name, pod], cpu, memory, others: [disk, inodes] },
        ];
      });
    },
  };
}

/** @param wanted Ids; undefined for all. */
export function podTable(client: CriClient, wanted: ReadonlySet<string> | undefined): StatsTable {
  return {
    header: { names: ["pod id", "namespace", "name"], others: ["received", "sent", "processes"] },
    async read() {
      const { stats } = await client.runtime.listPodSandboxStats({});
      return stats.flatMap(({ attributes, linux }) => {
        const { id = "", metadata } = attributes ?? {};
        if (wanted !== undefined && !wanted.has(id)) return [];
        const { namespace = "", name = "" } = metadata ?? {};
        const network = linux?.network?.defaultInterface;
        return [
          {
            id,
            name: `${namespace}/${name}`,
            names: [namespace, name],
            cpu: linux?.cpu,
            memory: linux?.memory,
            others: [
              bytesOf(network?.rxBytes),
              bytesOf(network?.txBytes),
              `${linux?.process?.processCount?.value ?? "-"}`,
            ],
          },
        ];
      });
    },
  };
}

function podOf(candidate: ContainerCandidate | undefined): string {
  const pod = candidate?.sandbox?.metadata;
  return pod ? `${pod.namespace}/${pod.name}` : "<unknown>";
}

function bytesOf(amount: { readonly value: bigint } | undefined): string {
  return amount === undefined ? "-" : formatBinaryBytes(amount.value);
}
