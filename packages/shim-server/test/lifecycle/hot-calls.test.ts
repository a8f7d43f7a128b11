import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { ImageService, RuntimeService } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { pino } from "pino";
import { createContainerList } from "../../src/pods/container-list.js";
import { createContainerStatus } from "../../src/pods/container-status.js";
import {
  createHotContainerList,
  createHotContainerStatus,
  createHotSandboxList,
  createHotSandboxStatus,
} from "../../src/pods/hot-replies.js";
import { createSandboxList } from "../../src/pods/sandbox-list.js";
import { createSandboxStatus } from "../../src/pods/sandbox-status.js";
import {
  createHotRuntimeVersion,
  createRuntimeVersion,
} from "../../src/runtime/runtime-version.js";
import { type GrpcServer, serveGrpc } from "../../src/server/grpc-server.js";
import { type Routes, unimplemented } from "../../src/server/route.js";
import { createContainerStatsList } from "../../src/stats/container-stats.js";
import { createContainerStatsReply } from "../../src/stats/container-stats-reply.js";
import type { KubeletFigures, StatsSource } from "../../src/stats/stats-source.js";
import { createPodTimelines } from "../../src/telemetry/pod-timelines.js";
import { type BothWays, connectBothWays, outcome, testParity } from "../hot-parity.js";
import { openWorld, runPod, type World } from "./world.js";

const pressure = {
  some: { avg10: 1.5, avg60: 0.5, avg300: 0, totalNs: 7_000n },
  full: { avg10: 0, avg60: 0, avg300: 0, totalNs: 3n },
};
const figures = {
  timestampNs: 1_700_000_000_000_000_000n,
  nanoCores: 250_000_000n,
  cpu: { timestampNs: 1_700_000_000_000_000_000n, monotonicNs: 5n, usageNs: 123_456_789n },
  memory: {
    usageBytes: 10_000_000n,
    workingSetBytes: 8_000_000n,
    availableBytes: 2_000_000n,
    rssBytes: 6_000_000n,
    pageFaults: 11n,
    majorPageFaults: 2n,
  },
  swap: { usageBytes: 0n, limitBytes: undefined, availableBytes: undefined },
  pids: undefined,
  pressure: { cpu: pressure, memory: pressure, io: pressure },
} as unknown as KubeletFigures;

/** Figures that do not move, with those of a container that has just ended missing. */
function statsOf(endedId: () => string): StatsSource {
  return {
    cgroupOf: ({ id }: { id: string }) => (id === endedId() ? undefined : {}),
    read: () => figures,
    layer: () => ({ timestampNs: 9n, usedBytes: 4096n, inodesUsed: 3n }),
  } as unknown as StatsSource;
}

let world: World;
let dir: string;
let server: GrpcServer;
let both: BothWays;
let pod: { podSandboxId: string; containerId: string };
let current = true;
/** Paths of the calls that were answered ahead of the framework. */
const answered: string[] = [];

beforeAll(async () => {
  world = await openWorld();
  const { podSandboxId, containerIds } = await runPod(world, ["main", "side"]);
  pod = { podSandboxId, containerId: containerIds[0] as string };
  const other = await runPod(world, ["main", "ending"], "api");
  world.docker.containers.exit(containerIds[1] as string, 3);
  await world.settle();

  const { parts } = world;
  const statsParts = { ...parts, stats: statsOf(() => other.containerIds[1] as string) };
  const none = unimplemented("not in this test");
  const noneOf = (service: typeof RuntimeService | typeof ImageService) =>
    Object.fromEntries(service.methods.map(({ localName }) => [localName, none]));
  const runtime = {
    ...noneOf(RuntimeService),
    version: {
      handler: createRuntimeVersion(parts),
      needs: "store",
      hot: { reply: createHotRuntimeVersion(parts) },
    },
    listPodSandbox: {
      handler: createSandboxList(parts),
      needs: "store",
      hot: { reply: createHotSandboxList(parts) },
    },
    podSandboxStatus: {
      handler: createSandboxStatus(parts),
      needs: "store",
      hot: { reply: createHotSandboxStatus(parts) },
    },
    listContainers: {
      handler: createContainerList(parts),
      needs: "store",
      hot: { reply: createHotContainerList(parts) },
    },
    containerStatus: {
      handler: createContainerStatus(parts),
      needs: "store",
      hot: { reply: createHotContainerStatus(parts) },
    },
    listContainerStats: {
      handler: createContainerStatsList(statsParts),
      needs: "store",
      hot: { reply: createContainerStatsReply(statsParts) },
    },
  } as unknown as Routes<typeof RuntimeService>;
  dir = mkdtempSync(join(tmpdir(), "hot-"));
  const path = join(dir, "cri.sock");
  server = await serveGrpc(
    {
      runtime,
      image: noneOf(ImageService) as unknown as Routes<typeof ImageService>,
      feed: {
        ready: () => world.feed.ready(),
        get current() {
          return current && world.feed.current;
        },
      },
      engine: parts.engine,
      log: pino({ level: "silent" }),
      onCall: undefined,
      timelines: createPodTimelines({ pod: () => undefined, container: () => undefined }),
      tracing: {
        call: (_path, _parent, work) => work(),
        answered: (called) => void answered.push(called),
        begin: () => () => undefined,
        close: async () => undefined,
      },
    },
    { path },
  );
  both = connectBothWays(path);
});
afterAll(async () => {
  both.close();
  await server.close(0);
  await world.close();
  rmSync(dir, { recursive: true, force: true });
});

testParity(
  () => both,
  () => pod,
);

test.each([
  ["all", {}],
  ["those of a pod", () => ({ filter: { podSandboxId: pod.podSandboxId } })],
  ["one", () => ({ filter: { id: pod.containerId } })],
  ["those with a label", { filter: { labelSelector: { no: "such" } } }],
] as const)("ListContainerStats of %s has the same answer either way", async (_which, asked) => {
  const request = typeof asked === "function" ? asked() : asked;
  const first = await outcome(both.hot.listContainerStats(request));
  expect(await outcome(both.hot.listContainerStats(request))).toEqual(first);
  expect(await outcome(both.ordinary.listContainerStats(request))).toEqual(first);
});

test("ListContainerStats has figures of what runs, the layer of what has ended, and no halves", async () => {
  const { stats } = await both.hot.listContainerStats({});
  expect(stats.map(({ attributes }) => attributes?.metadata?.name).sort()).toEqual([
    "main",
    "main",
    "side",
  ]);
  const of = (name: string) => stats.find(({ attributes }) => attributes?.metadata?.name === name);
  expect(of("main")).toMatchObject({
    cpu: { usageNanoCores: { value: 250_000_000n } },
    memory: { workingSetBytes: { value: 8_000_000n } },
    writableLayer: { usedBytes: { value: 4096n } },
  });
  expect(of("side")?.cpu).toBeUndefined();
  expect(of("side")?.writableLayer?.usedBytes?.value).toBe(4096n);
});

test("an answer that is kept is made anew with what it tells", async () => {
  const before = await both.hot.containerStatus(pod);
  await world.calls.stopContainer({ containerId: pod.containerId });
  const after = await both.hot.containerStatus(pod);
  expect(after.status?.state).not.toBe(before.status?.state);
  expect(after).toEqual(await both.ordinary.containerStatus(pod));
  const sandboxBefore = await both.hot.podSandboxStatus(pod);
  await world.calls.stopPodSandbox(pod);
  const sandboxAfter = await both.hot.podSandboxStatus(pod);
  expect(sandboxAfter.status?.state).not.toBe(sandboxBefore.status?.state);
  expect(sandboxAfter).toEqual(await both.ordinary.podSandboxStatus(pod));
});

test("each client took the way that it is for, and both go on while the store is not current", async () => {
  answered.length = 0;
  await both.ordinary.listContainers({});
  expect(answered).toEqual([]);
  await both.hot.listContainers({});
  expect(answered).toEqual(["/runtime.v1.RuntimeService/ListContainers"]);
  current = false;
  expect((await both.hot.listContainers({})).containers).toHaveLength(4);
  expect(answered).toHaveLength(1);
  current = true;
});

test("while the engine is away both ways say so", async () => {
  await world.docker.close();
  await until(() => !world.feed.current);
  const away = { code: Code.Unavailable };
  await expect(both.hot.listContainers({})).rejects.toMatchObject(away);
  await expect(both.ordinary.listContainers({})).rejects.toMatchObject(away);
});
