import { existsSync, readFileSync } from "node:fs";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { type PodCgroup, podCgroup } from "./pod-cgroup.js";

let harness: Harness;
let podsOwn: PodCgroup;

beforeAll(async () => {
  harness = await createHarness();
  podsOwn = await podCgroup(harness.docker, "shimstats");
});

afterAll(async () => {
  await harness.close();
  podsOwn.remove();
});

const spin = ["sh", "-c", "while :; do :; done"];

/** Processor time of a process in user mode, in clock ticks (proc(5)). */
function userTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[11]);
}

describe("ContainerStats", () => {
  it("fills every field that the kubelet reads", async () => {
    const { containerId } = await harness.runPod({}, { annotations: { note: "kept" } });
    const { stats } = await harness.cri.runtime.containerStats({ containerId });
    expect(stats?.attributes).toMatchObject({
      id: containerId,
      metadata: { name: "main" },
      annotations: { note: "kept" },
    });
    expect(stats?.cpu?.timestamp).toBeGreaterThan(0n);
    expect(stats?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(0n);
    expect(stats?.memory?.timestamp).toBeGreaterThan(0n);
    expect(stats?.memory?.workingSetBytes?.value).toBeGreaterThan(0n);
    expect(stats?.memory?.usageBytes?.value).toBeGreaterThan(0n);
    expect(stats?.memory?.rssBytes?.value).toBeGreaterThan(0n);
    expect(stats?.memory?.pageFaults?.value).toBeGreaterThan(0n);
    // Without a limit nothing says how much is left.
    expect(stats?.memory?.availableBytes).toBeUndefined();
    expect(stats?.writableLayer?.timestamp).toBeGreaterThan(0n);
    expect(stats?.writableLayer?.inodesUsed?.value).toBeGreaterThan(0n);
    expect(existsSync(stats?.writableLayer?.fsId?.mountpoint ?? "")).toBe(true);
  });

  it("knows the processor use at the first call, since it sampled the container's start", async () => {
    const { containerId } = await harness.runPod({}, { command: spin });
    // On a busy machine the process may not have run yet since it was sampled: that is a use of 0.
    const { State: state } = await harness.docker.containers.inspect(containerId);
    const before = userTicks(state.Pid);
    await until(() => userTicks(state.Pid) > before);
    const { stats } = await harness.cri.runtime.containerStats({ containerId });
    expect(stats?.cpu?.usageNanoCores?.value).toBeGreaterThan(0n);
    await harness.cri.runtime.stopContainer({ containerId, timeout: 0n });
  });

  it("tells what is left of a memory limit", async () => {
    const memoryLimitInBytes = 64n * 1024n * 1024n;
    const { containerId } = await harness.runPod(
      {},
      { linux: { resources: { memoryLimitInBytes } } },
    );
    const { stats } = await harness.cri.runtime.containerStats({ containerId });
    const { availableBytes, workingSetBytes } = stats?.memory ?? {};
    expect((availableBytes?.value ?? 0n) + (workingSetBytes?.value ?? 0n)).toBe(memoryLimitInBytes);
  });

  it("counts what a container writes over its image", async () => {
    const written = 3_000_000n;
    const { containerId } = await harness.runPod(
      {},
      { command: ["sh", "-c", `head -c ${written} /dev/zero > /big; touch /done; sleep 3600`] },
    );
    await until(async () => {
      const args = { containerId, cmd: ["test", "-e", "/done"], timeout: 10n };
      return (await harness.cri.runtime.execSync(args)).exitCode === 0;
    });
    // A daemon that starts now looks at the layer when it is asked, if the engine has told where it is by then.
    await harness.restart();
    let used: bigint | undefined;
    await until(async () => {
      const { stats } = await harness.cri.runtime.containerStats({ containerId });
      used = stats?.writableLayer?.usedBytes?.value;
      return used !== undefined;
    });
    expect(used).toBeGreaterThanOrEqual(written);
  });

  it("gives a container that has ended its writable layer, but no cpu and no memory", async () => {
    const { containerId } = await harness.runPod();
    await harness.cri.runtime.stopContainer({ containerId, timeout: 0n });
    const { stats } = await harness.cri.runtime.containerStats({ containerId });
    expect(stats?.attributes?.id).toBe(containerId);
    expect(stats?.cpu).toBeUndefined();
    expect(stats?.memory).toBeUndefined();
    expect(stats?.writableLayer?.usedBytes).toBeDefined();
  });

  it("answers NOT_FOUND for an unknown container", async () => {
    const containerId = "0".repeat(64);
    await expect(harness.cri.runtime.containerStats({ containerId })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("ListContainerStats", () => {
  it("filters by container, by pod and by labels, and streams the same", async () => {
    const one = await harness.runPod({}, { labels: { color: "red" } });
    const two = await harness.runPod({}, { labels: { color: "blue" } });
    const ids = async (filter: object): Promise<(string | undefined)[]> => {
      const { stats } = await harness.cri.runtime.listContainerStats({ filter });
      const streamed: (string | undefined)[] = [];
      for await (const part of harness.cri.runtime.streamContainerStats({ filter })) {
        streamed.push(...part.containerStats.map(({ attributes }) => attributes?.id));
      }
      const listed = stats.map(({ attributes }) => attributes?.id);
      expect(streamed).toEqual(listed);
      return listed;
    };
    expect(await ids({ id: one.containerId })).toEqual([one.containerId]);
    expect(await ids({ podSandboxId: two.podSandboxId })).toEqual([two.containerId]);
    expect(await ids({ labelSelector: { color: "red" } })).toEqual([one.containerId]);
    expect(await ids({ labelSelector: { color: "green" } })).toEqual([]);
    expect(await ids({})).toEqual(expect.arrayContaining([one.containerId, two.containerId]));
  });

  it("has of each container what ContainerStats has", async () => {
    const labels = { quote: 'a"b', empty: "" };
    const { containerId } = await harness.runPod({}, { labels, annotations: { note: "ü" } });
    // The layer is measured in the background, or here.
    const { stats: one } = await harness.cri.runtime.containerStats({ containerId });
    const { stats } = await harness.cri.runtime.listContainerStats({ filter: { id: containerId } });
    expect(stats).toHaveLength(1);
    expect(stats[0]?.attributes).toEqual(one?.attributes);
    expect(stats[0]?.attributes).toMatchObject({ labels, annotations: { note: "ü" } });
    expect(stats[0]?.writableLayer).toEqual(one?.writableLayer);
    for (const part of ["cpu", "memory", "swap", "io"] as const) {
      expect(Object.keys(stats[0]?.[part] ?? {})).toEqual(Object.keys(one?.[part] ?? {}));
    }
    const used = one?.cpu?.usageCoreNanoSeconds?.value ?? 0n;
    expect(stats[0]?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThanOrEqual(used);
  });

  it("never fails while containers end", async () => {
    const pods = await Promise.all([1, 2, 3, 4].map(() => harness.runPod()));
    const ends = pods.map(({ podSandboxId }) =>
      harness.cri.runtime.removePodSandbox({ podSandboxId }),
    );
    let over = false;
    const ended = Promise.all(ends).finally(() => {
      over = true;
    });
    while (!over) {
      const { stats } = await harness.cri.runtime.listContainerStats({});
      for (const { attributes, cpu, memory } of stats) {
        expect(attributes?.id).toBeDefined();
        // All of a container's figures, or none.
        expect(cpu === undefined).toBe(memory === undefined);
      }
      await harness.cri.runtime.listPodSandboxStats({});
      await harness.cri.runtime.listPodSandboxMetrics({});
    }
    await ended;
    const { stats } = await harness.cri.runtime.listContainerStats({});
    const left = new Set(stats.map(({ attributes }) => attributes?.id));
    expect(pods.filter(({ containerId }) => left.has(containerId))).toEqual([]);
  });
});

describe("PodSandboxStats", () => {
  it("has a pod's network, processes and containers, and sums it up without a pod cgroup", async () => {
    const { podSandboxId, containerId } = await harness.runPod();
    const { stats } = await harness.cri.runtime.podSandboxStats({ podSandboxId });
    const linux = stats?.linux;
    expect(linux?.network?.defaultInterface?.name).toBe("eth0");
    expect(linux?.network?.defaultInterface?.rxBytes).toBeDefined();
    expect(linux?.process?.processCount?.value).toBeGreaterThanOrEqual(2n);
    const [container] = linux?.containers ?? [];
    expect(container?.attributes?.id).toBe(containerId);
    const ofContainer = container?.cpu?.usageCoreNanoSeconds?.value ?? 0n;
    expect(ofContainer).toBeGreaterThan(0n);
    expect(linux?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(ofContainer);
    expect(linux?.memory?.workingSetBytes?.value).toBeGreaterThan(0n);
  });

  it("reads the pod's own cgroup where there is one", async () => {
    const { podSandboxId } = await harness.runPod({
      linux: { cgroupParent: podsOwn.parent },
    });
    const { stats } = await harness.cri.runtime.podSandboxStats({ podSandboxId });
    expect(stats?.linux?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(0n);
    // At first runc's own process, of several threads, may still be there in place of the container's.
    await until(async () => {
      const now = await harness.cri.runtime.podSandboxStats({ podSandboxId });
      return now.stats?.linux?.process?.processCount?.value === 2n;
    });
  });

  it("leaves the node's network out of a pod that uses it", async () => {
    const { podSandboxId } = await harness.runPod({
      linux: { securityContext: { namespaceOptions: { network: 2 } } },
    });
    const { stats } = await harness.cri.runtime.podSandboxStats({ podSandboxId });
    expect(stats?.linux?.cpu).toBeDefined();
    expect(stats?.linux?.network).toBeUndefined();
  });

  it("lists running pods by id and labels, and streams the same", async () => {
    const { podSandboxId } = await harness.runPod({ labels: { tier: "front" } });
    const ended = await harness.runPod({ labels: { tier: "front" } });
    await harness.cri.runtime.stopPodSandbox({ podSandboxId: ended.podSandboxId });
    const filter = { labelSelector: { tier: "front" } };
    const { stats } = await harness.cri.runtime.listPodSandboxStats({ filter });
    expect(stats.map(({ attributes }) => attributes?.id)).toEqual([podSandboxId]);
    const streamed: unknown[] = [];
    for await (const part of harness.cri.runtime.streamPodSandboxStats({ filter })) {
      streamed.push(...part.podSandboxStats.map(({ attributes }) => attributes?.id));
    }
    expect(streamed).toEqual([podSandboxId]);
    const other = await harness.cri.runtime.listPodSandboxStats({ filter: { id: "nothing" } });
    expect(other.stats).toEqual([]);
    await expect(
      harness.cri.runtime.podSandboxStats({ podSandboxId: ended.podSandboxId }),
    ).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
  });
});

describe("ListPodSandboxMetrics", () => {
  /** Absent where the kernel, or the container's limits, have no such thing. */
  const optional = /^container_(?:blkio_|fs_(?:reads|writes)_|hugetlb_|pressure_|spec_cpu_quota)/;

  it("has a sample of every metric that is declared, with as many labels", async () => {
    const { podSandboxId, containerId } = await harness.runPod();
    // The layer is measured in the background, or here.
    await harness.cri.runtime.containerStats({ containerId });
    const { descriptors } = await harness.cri.runtime.listMetricDescriptors({});
    const { podMetrics } = await harness.cri.runtime.listPodSandboxMetrics({});
    const pod = podMetrics.find((each) => each.podSandboxId === podSandboxId);
    const container = pod?.containerMetrics.find((each) => each.containerId === containerId);
    const samples = [...(pod?.metrics ?? []), ...(container?.metrics ?? [])];
    const keys = new Map(descriptors.map(({ name, labelKeys }) => [name, labelKeys]));
    for (const { name, labelValues } of samples) {
      expect([name, labelValues.length]).toEqual([name, keys.get(name)?.length]);
    }
    const missing = descriptors
      .map(({ name }) => name)
      .filter((name) => !optional.test(name) && !samples.some((sample) => sample.name === name));
    expect(missing).toEqual([]);
    for (const { help, labelKeys } of descriptors) {
      expect(help).not.toBe("");
      expect(labelKeys).toEqual(expect.arrayContaining(["container", "pod", "namespace", "id"]));
    }
  });

  it("labels samples with the pod and the container, and streams the same pods", async () => {
    const { podSandboxId, config } = await harness.runPod();
    const { podMetrics } = await harness.cri.runtime.listPodSandboxMetrics({});
    const pod = podMetrics.find((each) => each.podSandboxId === podSandboxId);
    const received = pod?.metrics.find(
      ({ name }) => name === "container_network_receive_bytes_total",
    );
    expect(received?.labelValues).toEqual(
      expect.arrayContaining(["POD", podSandboxId, "test", config.metadata?.name, "eth0"]),
    );
    const streamed: string[] = [];
    for await (const part of harness.cri.runtime.streamPodSandboxMetrics({})) {
      streamed.push(...part.podSandboxMetrics.map((each) => each.podSandboxId));
    }
    expect(streamed.sort()).toEqual(podMetrics.map((each) => each.podSandboxId).sort());
  });
});
