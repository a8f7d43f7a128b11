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
  // A static pod is called after its node, too.
  return new Map((items ?? []).map((pod) => [pod.metadata.name.replace(/-[^-]+$/, ""), pod]));
}

/** The sum of a metric's samples whose labels match. */
export async function metric(node: Node, name: string, labels = /(?:)/): Promise<number> {
  let sum = 0;
  for (const line of (await get(node, "/metrics")).split("\n")) {
    const [, sample, itsLabels = "", value] = /^(\w+)(\{.*\})? (\S+)$/.exec(line) ?? [];
    if (sample === name && labels.test(itsLabels)) sum += Number(value);
  }
  return sum;
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
