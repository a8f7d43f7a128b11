import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  CgroupDriver,
  ContainerState,
  ImageService,
  PodSandboxState,
  RuntimeService,
} from "@dockershim/cri-types";
import { Timelines } from "@dockershim/cri-types/timelines";
import {
  createStreamingServer,
  type RuntimeAttachRequest,
  type RuntimeExecRequest,
  type StreamingRuntime,
} from "@dockershim/streaming";
import { startFakeRuntime } from "../../cri-client/test/fake-runtime.js";
import { sampleEvents } from "./sample-events.js";
import { id, ids } from "./sample-ids.js";
import { containerStats, podStats, sampleMetrics } from "./sample-stats.js";
import { containerStatus, imageConfig, images, podStatus } from "./sample-statuses.js";
import { sampleTimelines } from "./sample-timelines.js";

const hour = 3_600_000_000_000n;

/** The time at which the samples have the ages that tests expect; milliseconds. */
export const sampleNow: number = Date.UTC(2026, 10, 23, 10, 0, 3);

export { ids };

/** A runtime with two pods and three containers, listening on a socket of its own. */
export async function startSampleRuntime(
  sessions: Partial<StreamingRuntime> = {},
  { timelines = true } = {},
) {
  const dir = await mkdtemp(join(tmpdir(), "cli-e2e-"));
  const socketPath = join(dir, "cri.sock");
  const web = { running: true };
  const streaming = createStreamingServer({
    runtime: { exec: runSample, attach: attachSample, portForward: refuse, ...sessions },
  });
  await streaming.listen();
  const pods = samplePods();
  const { execUrl, attachUrl, portForwardUrl } = streaming;
  const done: string[] = [];
  const slowPull = Promise.withResolvers<void>();
  let versionHeld = Promise.resolve();
  const routes = createRoutes({
    slowPull: slowPull.promise,
    versionHeld: () => versionHeld,
    done,
    logPath: join(dir, "web.log"),
    web,
    pods,
    execUrl,
    attachUrl,
    portForwardUrl,
  });
  const server = await startFakeRuntime(socketPath, (router) => {
    routes(router);
    if (timelines) router.service(Timelines, { listPodTimelines });
  });
  return {
    endpoint: `unix://${socketPath}`,
    dir,
    /** The container `web`, which a test may end. */
    web,
    /** What the runtime was made to do since a test emptied this. */
    done,
    /** Lets the pull of the image `slow` come to its end. */
    endSlowPull: () => slowPull.resolve(),
    /** Keeps Version from being answered until what is returned is called. */
    holdVersion(): () => void {
      const held = Promise.withResolvers<void>();
      versionHeld = held.promise;
      return held.resolve;
    },
    /** Adds a pod without containers. */
    addPod(name: string, namespace: string): void {
      const createdAt = BigInt(sampleNow) * 1_000_000n - 5n * hour;
      pods.push({
        ...pod(id("9"), name, namespace, PodSandboxState.SANDBOX_READY, createdAt),
        labels: {},
      });
    },
    /** Log of the container `web`; the one that it has replaced has `.previous` behind it. */
    logPath: join(dir, "web.log"),
    async close() {
      await streaming.close();
      await server.close();
      await rm(dir, { recursive: true });
    },
  };
}

function listPodTimelines({ pod }: { pod: string }) {
  const pods = sampleTimelines.filter(
    ({ namespace, name }) => pod === name || pod === `${namespace}/${name}`,
  );
  return { pods };
}

interface SampleParts {
  readonly logPath: string;
  readonly web: { readonly running: boolean };
  readonly done: string[];
  readonly slowPull: Promise<void>;
  versionHeld(): Promise<void>;
  readonly pods: readonly SamplePod[];
  attachUrl(request: Parameters<ReturnType<typeof createStreamingServer>["attachUrl"]>[0]): string;
  portForwardUrl: ReturnType<typeof createStreamingServer>["portForwardUrl"];
  execUrl(request: Parameters<ReturnType<typeof createStreamingServer>["execUrl"]>[0]): string;
}

type SamplePod = ReturnType<typeof pod> & { labels: Record<string, string> };

function samplePods(): SamplePod[] {
  const now = BigInt(sampleNow) * 1_000_000n;
  return [
    {
      ...pod(ids.front, "front", "default", PodSandboxState.SANDBOX_READY, now - 50n * hour),
      labels: { app: "web", tier: "front" },
    },
    {
      ...pod(ids.back, "back", "shop", PodSandboxState.SANDBOX_NOTREADY, now - 100n * hour),
      labels: { app: "db" },
    },
  ];
}

function createRoutes({
  slowPull,
  versionHeld,
  done,
  logPath,
  web,
  pods,
  execUrl,
  attachUrl,
  portForwardUrl,
}: SampleParts) {
  const now = BigInt(sampleNow) * 1_000_000n;
  const containers = [
    container(ids.ended, "web", ids.front, 0, ContainerState.CONTAINER_EXITED, now - 50n * hour),
    container(ids.web, "web", ids.front, 1, ContainerState.CONTAINER_RUNNING, now - 49n * hour),
    container(ids.db, "db", ids.back, 0, ContainerState.CONTAINER_EXITED, now - 99n * hour),
  ];
  const logPaths = new Map([
    [ids.web, logPath],
    [ids.ended, `${logPath}.previous`],
  ]);

  let podReads = 0;

  return (router: ConnectRouter): void => {
    router.service(RuntimeService, {
      version: async () => {
        await versionHeld();
        return {
          version: "0.1.0",
          runtimeName: "fake",
          runtimeVersion: "1.2.3",
          runtimeApiVersion: "v1",
        };
      },
      status: () => ({
        status: {
          conditions: [
            { type: "RuntimeReady", status: true },
            { type: "NetworkReady", reason: "NoConfig", message: "no network\nconfigured" },
          ],
        },
        info: {
          config: '{"root":"/var/lib/fake"}',
          info: '{"logLag":{"containers":3,"seconds":12.4}}',
          odd: "not JSON",
        },
        runtimeHandlers: [{ name: "", features: { recursiveReadOnlyMounts: true } }],
      }),
      listPodSandbox: ({ filter }) => ({
        items: pods.filter(
          ({ state, labels }) =>
            (!filter?.state || filter.state.state === state) &&
            hasLabels(labels, filter?.labelSelector),
        ),
      }),
      listContainers: ({ filter }) => ({
        containers: containers.filter(
          ({ state, podSandboxId, labels }) =>
            (!filter?.state || filter.state.state === state) &&
            hasLabels(labels, filter?.labelSelector) &&
            (!filter?.podSandboxId || filter.podSandboxId === podSandboxId),
        ),
      }),
      containerStatus: ({ containerId, verbose }) => {
        const container = containers.find((each) => each.id === containerId);
        if (!container) throw new ConnectError("no such container", Code.NotFound);
        const running = containerId === ids.web && web.running;
        return {
          status: containerStatus(container, running, logPaths.get(containerId) ?? ""),
          info: verbose ? { info: '{"pid":42}' } : {},
        };
      },
      podSandboxStatus: ({ podSandboxId, verbose }) => {
        const sandbox = pods.find((each) => each.id === podSandboxId);
        if (!sandbox) throw new ConnectError("no such sandbox", Code.NotFound);
        return { status: podStatus(sandbox), info: verbose ? { info: '{"pid":41}' } : {} };
      },
      stopContainer: ({ containerId, timeout }) => {
        done.push(`StopContainer ${containerId.slice(0, 2)} within ${timeout} s`);
        return {};
      },
      stopPodSandbox: ({ podSandboxId }) => {
        done.push(`StopPodSandbox ${podSandboxId.slice(0, 2)}`);
        return {};
      },
      removeContainer: ({ containerId }) => {
        if (containerId === ids.db) throw new ConnectError("device is busy", Code.Internal);
        done.push(`RemoveContainer ${containerId.slice(0, 2)}`);
        return {};
      },
      removePodSandbox: ({ podSandboxId }) => {
        done.push(`RemovePodSandbox ${podSandboxId.slice(0, 2)}`);
        return {};
      },
      listContainerStats: () => ({ stats: containerStats(containers) }),
      listPodSandboxStats: () => {
        podReads += 1;
        return { stats: podStats(pods, podReads) };
      },
      async *getContainerEvents() {
        yield* sampleEvents(containers, pods);
      },
      portForward: ({ podSandboxId, port }) => {
        if (podSandboxId === ids.back) {
          throw new ConnectError("pod is not ready", Code.FailedPrecondition);
        }
        return { url: portForwardUrl({ podSandboxId, ports: port }) };
      },
      attach: (request) => ({ url: attachUrl(request) }),
      startContainer: ({ containerId }) => {
        if (containerId === ids.web) throw new ConnectError("it runs", Code.FailedPrecondition);
        done.push(`StartContainer ${containerId.slice(0, 2)}`);
        return {};
      },
      updateContainerResources: ({ containerId, linux }) => {
        const { cpuPeriod, cpuQuota, cpuShares, cpusetCpus } = linux ?? {};
        const memory = `${linux?.memoryLimitInBytes}+${linux?.memorySwapLimitInBytes}`;
        const limits = [`${cpuQuota}/${cpuPeriod}`, cpuShares, memory, cpusetCpus];
        done.push(`Update ${containerId.slice(0, 2)} ${limits.join(" ")}`);
        return {};
      },
      checkpointContainer: ({ containerId, location }) => {
        if (containerId === ids.db) throw new ConnectError("no CRIU", Code.Unimplemented);
        done.push(`Checkpoint ${containerId.slice(0, 2)} ${location}`);
        return {};
      },
      runtimeConfig: () => ({ linux: { cgroupDriver: CgroupDriver.CGROUPFS } }),
      listMetricDescriptors: () => ({
        descriptors: [{ name: "cpu_total", help: "Time\nused", labelKeys: ["pod", "id"] }],
      }),
      listPodSandboxMetrics: () => ({ podMetrics: [sampleMetrics] }),
      exec: (request) => {
        if (request.containerId !== ids.web) {
          throw new ConnectError("container is not running", Code.FailedPrecondition);
        }
        return { url: execUrl(request) };
      },
      execSync: async ({ cmd, timeout }) => {
        if (cmd[0] === "test") {
          const there = await stat(cmd[2] ?? "").catch(() => undefined);
          return { exitCode: there?.isDirectory() ? 0 : 1 };
        }
        if (cmd[0] === "sleep") {
          throw new ConnectError(`command timed out after ${timeout} s`, Code.DeadlineExceeded);
        }
        const exitCode = cmd[0] === "exit" ? Number(cmd[1]) : 0;
        return { stdout: Buffer.from(`ran within ${timeout} s\n`), exitCode };
      },
    });
    router.service(ImageService, {
      listImages: () => ({ images }),
      pullImage: async ({ image, auth }) => {
        const { image: name = "" } = image ?? {};
        if (name === "slow") await slowPull;
        if (name === "gone") throw new ConnectError("manifest unknown", Code.NotFound);
        done.push(`PullImage ${name} ${auth?.username}:${auth?.password} ${auth?.auth}`);
        return { imageRef: `sha256:${id("e")}` };
      },
      removeImage: ({ image }) => {
        done.push(`RemoveImage ${image?.image.slice(0, 9)}`);
        return {};
      },
      imageStatus: ({ image, verbose }) => {
        const name = image?.image ?? "";
        if (/[A-Z]/.test(name)) throw new ConnectError("no reference", Code.InvalidArgument);
        const found = images.find((each) => each.id === name || each.repoTags?.includes(name));
        return found
          ? { image: found, info: verbose ? { info: `{"imageSpec":${imageConfig}}` } : {} }
          : {};
      },
    });
  };
}

/** The commands that the sample container knows. */
async function runSample({ cmd, stdin, stdout, stderr }: RuntimeExecRequest) {
  const [program, argument] = cmd;
  if (program === "exit") return { exitCode: Number(argument) };
  if (program === "cat" && stdin !== null && stdout !== null) {
    await pipeline(stdin, stdout);
    return { exitCode: 0 };
  }
  if (program === "flood" && stdout !== null) {
    const block = Buffer.alloc(1024 * 1024, "x");
    await pipeline(
      Array.from({ length: Number(argument) }, () => block),
      stdout,
    );
    return { exitCode: 3 };
  }
  stdout?.write(`ran ${JSON.stringify(cmd)}\n`);
  stderr?.write("careful\n");
  return { exitCode: 0 };
}

/** A container that tells who joins it, and repeats its input. */
async function attachSample({ containerId, tty, stdin, stdout, stderr }: RuntimeAttachRequest) {
  stdout?.write(`joined ${containerId.slice(0, 2)}${tty ? " by its terminal" : ""}\n`);
  stderr?.write("careful\n");
  if (stdin && stdout) await pipeline(stdin, stdout);
}

function refuse(): never {
  throw new Error("the samples have no such thing");
}

function pod(
  podId: string,
  name: string,
  namespace: string,
  state: PodSandboxState,
  createdAt: bigint,
) {
  return { id: podId, metadata: { name, namespace, uid: name, attempt: 0 }, state, createdAt };
}

function container(
  containerId: string,
  name: string,
  podSandboxId: string,
  attempt: number,
  state: ContainerState,
  createdAt: bigint,
) {
  const image = { image: `sha256:${id("e")}`, userSpecifiedImage: "web:latest" };
  const metadata = { name, attempt };
  const labels = { "io.kubernetes.container.name": name };
  const imageId = `sha256:${id("e")}`;
  return { id: containerId, metadata, podSandboxId, state, createdAt, image, imageId, labels };
}

/** CRI's selector: each of its labels has to be there with its value. */
function hasLabels(labels: Record<string, string>, selector: Record<string, string> = {}) {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
