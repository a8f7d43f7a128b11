import { request } from "node:https";
import type { Node } from "../node.ts";

interface ContainerStatus {
  readonly name: string;
  readonly restartCount: number;
  readonly ready: boolean;
  readonly state: Readonly<Record<string, unknown>>;
}

/** What a kubelet says of a pod; the part of Kubernetes' Pod that the tests read. */
export interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly phase: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/** Asks the kubelet; its certificate is one that it made by itself. */
function get(node: Node, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: node.address, port: node.kubeletPort, path, rejectUnauthorized: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("error", reject);
        response.once("end", () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`GET ${path}: ${response.statusCode} ${text}`));
        });
      },
    );
    call.once("error", reject);
    call.end();
  });
}

/** The kubelet's pods by the names of their manifests. */
export async function podsOf(node: Node): Promise<Map<string, Pod>> {
  const { items } = JSON.parse(await get(node, "/pods")) as { items: Pod[] | null };
  return new Map((items ?? []).map((pod) => [manifestName(pod.metadata.name), pod]));
}

/** A static pod is called after its node, too. */
function manifestName(pod: string): string {
  return pod.replace(/-[^-]+$/, "");
}

/** A sample of a text that Prometheus reads: its name, its labels as they are spelt, its value. */
export interface Sample {
  readonly name: string;
  readonly labels: string;
  readonly value: number;
}

/** All samples that the kubelet tells at a path, such as "/metrics". */
export async function samplesOf(node: Node, path: string): Promise<Sample[]> {
  return (await get(node, path)).split("\n").flatMap((line) => {
    const [, name, labels = "", value] = /^(\w+)(\{.*\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
}

interface Usage {
  readonly usageNanoCores?: number;
  readonly usageCoreNanoSeconds?: number;
  readonly usageBytes?: number;
  readonly workingSetBytes?: number;
  readonly psi?: { readonly some: { readonly total: number } };
}

/** A pod in the kubelet's summary of its node; the part that the tests read. */
export interface PodSummary {
  readonly podRef: { readonly name: string };
  readonly cpu?: Usage;
  readonly memory?: Usage;
  readonly network?: {
    readonly name: string;
    readonly rxBytes?: number;
    readonly txBytes?: number;
  };
  readonly process_stats?: { readonly process_count?: number };
  readonly containers: readonly {
    readonly name: string;
    readonly cpu?: Usage;
    readonly memory?: Usage;
    readonly rootfs?: { readonly usedBytes?: number };
  }[];
}

/** What the kubelet sums up of its pods, by the names of their manifests. */
export async function summaryOf(node: Node): Promise<Map<string, PodSummary>> {
  const { pods } = JSON.parse(await get(node, "/stats/summary")) as { pods: PodSummary[] | null };
  return new Map((pods ?? []).map((pod) => [manifestName(pod.podRef.name), pod]));
}

/** The sum of a metric's samples whose labels match. */
export async function metric(node: Node, name: string, labels = /(?:)/): Promise<number> {
  const samples = await samplesOf(node, "/metrics");
  const matching = samples.filter((each) => each.name === name && labels.test(each.labels));
  return matching.reduce((sum, { value }) => sum + value, 0);
}

/** Restarts of all containers of the pod, by name. */
export function restartCounts(pod: Pod | undefined): Record<string, number> {
  const { initContainerStatuses = [], containerStatuses = [] } = pod?.status ?? {};
  return Object.fromEntries(
    [...initContainerStatuses, ...containerStatuses].map(({ name, restartCount }) => [
      name,
      restartCount,
    ]),
  );
}

/** Whether the pod runs with all its containers ready. */
export function isReady(pod: Pod | undefined): boolean {
  const statuses = pod?.status.containerStatuses ?? [];
  return (
    pod?.status.phase === "Running" && statuses.length > 0 && statuses.every(({ ready }) => ready)
  );
}
