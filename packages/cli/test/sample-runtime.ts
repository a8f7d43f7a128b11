import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  ContainerState,
  ImageService,
  PodSandboxState,
  RuntimeService,
} from "@dockershim/cri-types";
import { createStreamingServer, type RuntimeExecRequest } from "@dockershim/streaming";
import { startFakeRuntime } from "../../cri-client/test/fake-runtime.js";

const hour = 3_600_000_000_000n;

/** The time at which the samples have the ages that tests expect; milliseconds. */
export const sampleNow: number = Date.UTC(2026, 10, 23, 10, 0, 3);

/** A runtime with two pods and three containers, listening on a socket of its own. */
export async function startSampleRuntime() {
  const dir = await mkdtemp(join(tmpdir(), "cli-e2e-"));
  const socketPath = join(dir, "cri.sock");
  const web = { running: true };
  const streaming = createStreamingServer({
    runtime: { exec: runSample, attach: refuse, portForward: refuse },
  });
  await streaming.listen();
  const routes = createRoutes({ logPath: join(dir, "web.log"), web, execUrl: streaming.execUrl });
  const server = await startFakeRuntime(socketPath, routes);
  return {
    endpoint: `unix://${socketPath}`,
    dir,
    /** The container `web`, which a test may end. */
    web,
    /** Log of the container `web`; the one that it has replaced has `.previous` behind it. */
    logPath: join(dir, "web.log"),
    async close() {
      await streaming.close();
      await server.close();
      await rm(dir, { recursive: true });
    },
  };
}

const id = (digit: string) => digit.repeat(64);

export const ids = {
  front: id("a"),
  back: id("b"),
  web: `1${id("c").slice(1)}`,
  ended: `2${id("c").slice(1)}`,
  db: id("d"),
};

interface SampleParts {
  readonly logPath: string;
  readonly web: { readonly running: boolean };
  execUrl(request: Parameters<ReturnType<typeof createStreamingServer>["execUrl"]>[0]): string;
}

function createRoutes({ logPath, web, execUrl }: SampleParts) {
  const now = BigInt(sampleNow) * 1_000_000n;
  const pods = [
    {
      ...pod(ids.front, "front", "default", PodSandboxState.SANDBOX_READY, now - 50n * hour),
      labels: { app: "web", tier: "front" },
    },
    {
      ...pod(ids.back, "back", "shop", PodSandboxState.SANDBOX_NOTREADY, now - 100n * hour),
      labels: { app: "db" },
    },
  ];
  const containers = [
    container(ids.ended, "web", ids.front, 0, ContainerState.CONTAINER_EXITED, now - 50n * hour),
    container(ids.web, "web", ids.front, 1, ContainerState.CONTAINER_RUNNING, now - 49n * hour),
    container(ids.db, "db", ids.back, 0, ContainerState.CONTAINER_EXITED, now - 99n * hour),
  ];
  const logPaths = new Map([
    [ids.web, logPath],
    [ids.ended, `${logPath}.previous`],
  ]);

  return (router: ConnectRouter): void => {
    router.service(RuntimeService, {
      version: () => ({
        version: "0.1.0",
        runtimeName: "fake",
        runtimeVersion: "1.2.3",
        runtimeApiVersion: "v1",
      }),
      status: () => ({
        status: {
          conditions: [
            { type: "RuntimeReady", status: true },
            { type: "NetworkReady", reason: "NoConfig", message: "no network\nconfigured" },
          ],
        },
        info: { config: '{"root":"/var/lib/fake"}', odd: "not JSON" },
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
      containerStatus: ({ containerId }) => {
        const running = containerId === ids.web && web.running;
        return {
          status: {
            id: containerId,
            state: running ? ContainerState.CONTAINER_RUNNING : ContainerState.CONTAINER_EXITED,
            logPath: logPaths.get(containerId) ?? "",
          },
        };
      },
      exec: (request) => {
        if (request.containerId !== ids.web) {
          throw new ConnectError("container is not running", Code.FailedPrecondition);
        }
        return { url: execUrl(request) };
      },
      execSync: ({ cmd, timeout }) => {
        if (cmd[0] === "sleep") {
          throw new ConnectError(`command timed out after ${timeout} s`, Code.DeadlineExceeded);
        }
        const exitCode = cmd[0] === "exit" ? Number(cmd[1]) : 0;
        return { stdout: Buffer.from(`ran within ${timeout} s\n`), exitCode };
      },
    });
    router.service(ImageService, {
      listImages: () => ({
        images: [
          {
            id: `sha256:${id("e")}`,
            repoTags: ["localhost:5000/web:1", "web:latest"],
            repoDigests: [`web@sha256:${id("f")}`],
            size: 4_268_000n,
          },
          { id: `sha256:${id("f")}`, repoDigests: [`gone@sha256:${id("f")}`], size: 700n },
        ],
      }),
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
  return { id: containerId, metadata, podSandboxId, state, createdAt, image, labels };
}

/** CRI's selector: each of its labels has to be there with its value. */
function hasLabels(labels: Record<string, string>, selector: Record<string, string> = {}) {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
