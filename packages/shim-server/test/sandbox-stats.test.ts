import type { PodSandboxStats } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import type { ContainerStatsParts } from "../src/stats/container-stats.js";
import { createSandboxStatsList } from "../src/stats/sandbox-stats.js";
import type { KubeletFigures } from "../src/stats/stats-source.js";

const pause = (usageNs: bigint) => ({ cpu: { timestampNs: 1n, monotonicNs: 1n, usageNs } });
const running = { State: { Running: true, Pid: 7 }, HostConfig: { NetworkMode: "host" } };

/** Pods of two containers and one that has ended, and what is read of them. */
function createPods(own: Record<string, bigint>, used: Record<string, bigint>) {
  const reads: string[] = [];
  const container = (id: string, sandboxId: string, isRunning = true) => ({
    kind: "container",
    id,
    sandboxId,
    item: { labels: {}, annotations: {} },
    inspect: { ...running, State: { Running: isRunning, Pid: 7 } },
  });
  const members: Record<string, unknown[]> = {
    a: [container("a1", "a"), container("a2", "a"), container("a3", "a", false)],
    b: [container("b1", "b")],
  };
  const parts = {
    store: {
      sandboxes: () =>
        Object.keys(members).map((id) => ({
          kind: "sandbox",
          id,
          item: { labels: {}, annotations: {} },
          inspect: running,
        })),
      containersOf: (id: string) => members[id] ?? [],
    },
    stats: {
      cgroupOf: ({ id }: { id: string }) => (id in used ? id : undefined),
      podCgroupOf: ({ id }: { id: string }) => (id in own ? `pod of ${id}` : undefined),
      read(name: string, path: string): KubeletFigures | undefined {
        reads.push(name);
        const usage = name.startsWith("pod/") ? own[name.slice(4)] : used[path];
        return usage === undefined ? undefined : (pause(usage) as KubeletFigures);
      },
      layer: () => undefined,
    },
    engine: { known: () => ({ info: { DockerRootDir: "/nowhere", Driver: "overlay2" } }) },
  } as unknown as ContainerStatsParts;
  const list = createSandboxStatsList(parts);
  return { reads, list: async () => (await list({})).stats };
}

const figures = ({ attributes, linux }: PodSandboxStats) => ({
  id: attributes?.id,
  cpu: linux?.cpu?.usageCoreNanoSeconds?.value,
  containers: linux?.containers.map(({ cpu }) => cpu?.usageCoreNanoSeconds?.value),
});

test("a pod without a cgroup of its own is the sum of what runs in it, each read once", async () => {
  const { reads, list } = createPods({}, { a: 1n, a1: 10n, a2: 100n, b: 2n, b1: 20n });
  expect((await list()).map(figures)).toEqual([
    { id: "a", cpu: 111n, containers: [10n, 100n] },
    { id: "b", cpu: 22n, containers: [20n] },
  ]);
  expect(reads.toSorted()).toEqual(["a", "a1", "a2", "b", "b1"]);
});

test("a pod with one is that", async () => {
  const { reads, list } = createPods({ a: 500n }, { a: 1n, a1: 10n, a2: 100n, b: 2n, b1: 20n });
  expect((await list()).map(figures)).toEqual([
    { id: "a", cpu: 500n, containers: [10n, 100n] },
    { id: "b", cpu: 22n, containers: [20n] },
  ]);
  expect(reads).not.toContain("a");
});

test("a container that has just ended is in neither, and a pod that has ended is left out", async () => {
  const { list } = createPods({}, { a: 1n, a1: 10n });
  expect((await list()).map(figures)).toEqual([{ id: "a", cpu: 11n, containers: [10n] }]);
});
