import { setTimeout as delay } from "node:timers/promises";
import { RuntimeService } from "@dockershim/cri-types";
import type { Endpoint } from "./endpoint.ts";
import type { Pod } from "./pods.ts";
import { containerdOf, cpuSeconds } from "./process-figures.ts";

const { method } = RuntimeService;

/** How often a kubelet asks: the lists each second, every pod's statuses each ten seconds. */
export const kubeletRates = { listsMs: 1_000, statusesMs: 10_000 } as const;

/** The two lists, as PLEG asks for them. */
export async function pollLists({ cri }: Endpoint): Promise<void> {
  await cri.call(method.listPodSandbox, {});
  await cri.call(method.listContainers, {});
}

/** The statuses of all pods and containers, one after the other, as the pods' workers do. */
export async function pollStatuses({ cri }: Endpoint, pods: readonly Pod[]): Promise<void> {
  for (const { sandboxId: podSandboxId, containerId } of pods) {
    await cri.call(method.podSandboxStatus, { podSandboxId });
    if (containerId !== "") await cri.call(method.containerStatus, { containerId });
  }
}

/** CPU in percent of one core, while a kubelet's polling is all that happens. */
export interface PollingCost {
  readonly daemonCpu: number | undefined;
  readonly dockerdCpu: number | undefined;
  readonly containerdCpu: number | undefined;
  /** How late the daemon's event loop was, the 99th percentile in ms. */
  readonly loopDelay: number | undefined;
}

/**
 * Polls as an idle kubelet does, for so many seconds, and for as many again to watch the event loop, which
 * costs CPU itself.
 */
export async function measurePolling(
  endpoint: Endpoint,
  pods: readonly Pod[],
  seconds: number,
): Promise<PollingCost> {
  const { pid, enginePid } = endpoint;
  const containerdPid = enginePid === undefined ? undefined : containerdOf(enginePid);
  const pids = [pid, enginePid, containerdPid];
  const before = pids.map((each) => (each === undefined ? 0 : cpuSeconds(each)));
  const started = performance.now();
  await poll(endpoint, pods, seconds);
  const elapsed = (performance.now() - started) / 1_000;
  const [daemonCpu, dockerdCpu, containerdCpu] = pids.map((each, index) =>
    each === undefined ? undefined : (100 * (cpuSeconds(each) - (before[index] ?? 0))) / elapsed,
  );
  const loopDelay = await endpoint.loopDelay?.(() => poll(endpoint, pods, seconds));
  return { daemonCpu, dockerdCpu, containerdCpu, loopDelay };
}

async function poll(endpoint: Endpoint, pods: readonly Pod[], seconds: number): Promise<void> {
  const started = performance.now();
  for (let second = 0; second < seconds; second++) {
    await pollLists(endpoint);
    if (second % (kubeletRates.statusesMs / kubeletRates.listsMs) === 0) {
      await pollStatuses(endpoint, pods);
    }
    await delay(Math.max(0, started + (second + 1) * 1_000 - performance.now()));
  }
}
