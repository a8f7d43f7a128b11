import { existsSync } from "node:fs";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Node } from "../node.ts";
import { isReady, podsOf, type Sample, samplesOf, summaryOf } from "./kubelet-api.ts";
import { testGround, until } from "./node-under-test.ts";
import { createStaticPods } from "./static-pod.ts";

const ground = testGround();
let node: Node;

beforeAll(async () => {
  node = await ground.node({});
  const ran = join(ground.folder, "ran");
  const pods = createStaticPods(node.manifests, ran, ground.lab.LAB_IMAGE);
  const script = "trap 'exit 0' TERM; while :; do :; done";
  pods.add({ name: "busy", containers: [{ name: "main", script }] });
  await node.startDaemon();
  await node.startKubelet();
  await until(async () => isReady((await podsOf(node)).get("busy")));
});
afterAll(() => ground.clear(node));

/** Samples of the pod's containers, or with "POD" of the pod itself. */
function samplesOfPod(samples: readonly Sample[], container: string): Sample[] {
  return samples.filter(
    ({ labels }) =>
      labels.includes(`container="${container}"`) && labels.includes('pod="busy-node1"'),
  );
}

function namesOf(samples: readonly { readonly name: string }[]): string[] {
  return [...new Set(samples.map(({ name }) => name))].sort();
}

/** The names of all metrics that the runtime has of the pod and of its container. */
async function runtimeMetrics() {
  const cri = createCriClient({ endpoint: node.endpoint });
  const [pod] = (await cri.runtime.listPodSandboxMetrics({})).podMetrics;
  cri.close();
  const [container] = pod?.containerMetrics ?? [];
  return {
    pod: { names: namesOf(pod?.metrics ?? []) },
    container: { id: container?.containerId ?? "none", names: namesOf(container?.metrics ?? []) },
  };
}

test("without its gate the kubelet has no figures of containers for dashboards, and no network of pods", async () => {
  // The kubelet's own sampling has seen the pod's cgroup by then.
  await until(async () => (await summaryOf(node)).get("busy")?.cpu?.usageNanoCores !== undefined);
  const pod = (await summaryOf(node)).get("busy");
  expect(pod?.containers.map(({ name }) => name)).toEqual(["main"]);
  expect(pod?.containers[0]?.memory?.workingSetBytes).toBeGreaterThan(0);
  expect(pod?.network).toBeUndefined();
  // cAdvisor has seen the container by then, as a cgroup.
  const { id } = (await runtimeMetrics()).container;
  const ofContainer = async (): Promise<Sample[]> =>
    (await samplesOf(node, "/metrics/cadvisor")).filter(({ labels }) => labels.includes(id));
  await until(async () => (await ofContainer()).length > 0);
  const samples = await samplesOf(node, "/metrics/cadvisor");
  expect(samplesOfPod(samples, "main")).toEqual([]);
  expect(samplesOfPod(samples, "POD")).toEqual([]);
});

test("with its gate PodAndContainerStatsFromCRI the kubelet has what the runtime tells", async () => {
  await node.end("kubelet");
  node = await ground.node({ featureGates: { PodAndContainerStatsFromCRI: true } });
  await node.startKubelet();
  await until(async () => isReady((await podsOf(node)).get("busy")));

  const pod = (await summaryOf(node)).get("busy");
  expect(pod?.network?.name).toBe("eth0");
  expect(pod?.network?.rxBytes).toBeGreaterThan(0);
  expect(pod?.process_stats?.process_count).toBeGreaterThanOrEqual(2);
  for (const part of [pod, pod?.containers[0]]) {
    expect(part?.cpu?.usageNanoCores).toBeGreaterThan(10_000);
    expect(part?.memory?.workingSetBytes).toBeGreaterThan(10_000);
    const pressure = part?.cpu?.psi?.some.total;
    expect(pressure !== undefined).toBe(existsSync("/proc/pressure/cpu"));
  }
  expect(pod?.containers[0]?.rootfs?.usedBytes).toBeGreaterThanOrEqual(0);

  const samples = await samplesOf(node, "/metrics/cadvisor");
  const told = await runtimeMetrics();
  expect(told.container.names).toContain("container_memory_events_max_total");
  expect(told.pod.names).toContain("container_network_receive_bytes_total");
  expect(namesOf(samplesOfPod(samples, "main"))).toEqual(told.container.names);
  expect(namesOf(samplesOfPod(samples, "POD"))).toEqual(told.pod.names);
});
