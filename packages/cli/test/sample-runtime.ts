import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import {
  ContainerState,
  ImageService,
  PodSandboxState,
  RuntimeService,
} from "@dockershim/cri-types";
import { startFakeRuntime } from "../../cri-client/test/fake-runtime.js";

const hour = 3_600_000_000_000n;

/** The time at which the samples have the ages that tests expect; milliseconds. */
export const sampleNow: number = Date.UTC(2026, 10, 23, 10, 0, 3);

/** A runtime with two pods and three containers, listening on a socket of its own. */
export async function startSampleRuntime() {
  const dir = await mkdtemp(join(tmpdir(), "cli-e2e-"));
  const socketPath = join(dir, "cri.sock");
  const server = await startFakeRuntime(socketPath, createRoutes(join(dir, "web.log")));
  return {
    endpoint: `unix://${socketPath}`,
    dir,
    /** Log of the container `web`; the one that it has replaced has `.previous` behind it. */
    logPath: join(dir, "web.log"),
    async close() {
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

function createRoutes(logPath: string) {
  const now = BigInt(sampleNow) * 1_000_000n;
  const pods = [
    pod(ids.front, "front", "default", PodSandboxState.SANDBOX_READY, now - 50n * hour),
    pod(ids.back, "back", "shop", PodSandboxState.SANDBOX_NOTREADY, now - 100n * hour),
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
  // The log of `web` ends when it has been asked after this often.
  let webStatusCalls = 0;

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
        items: pods.filter(({ state }) => !filter?.state || filter.state.state === state),
      }),
      listContainers: ({ filter }) => ({
        containers: containers.filter(
          ({ state, podSandboxId }) =>
            (!filter?.state || filter.state.state === state) &&
            (!filter?.podSandboxId || filter.podSandboxId === podSandboxId),
        ),
      }),
      containerStatus: ({ containerId }) => {
        if (containerId === ids.web) webStatusCalls += 1;
        const running = containerId === ids.web && webStatusCalls < 3;
        return {
          status: {
            id: containerId,
            state: running ? ContainerState.CONTAINER_RUNNING : ContainerState.CONTAINER_EXITED,
            logPath: logPaths.get(containerId) ?? "",
          },
        };
      },
      execSync: ({ containerId, cmd, timeout }) => {
        if (containerId !== ids.web) {
          throw new ConnectError("container is not running", Code.FailedPrecondition);
        }
        if (timeout > 0n) {
          throw new ConnectError(`command timed out after ${timeout} s`, Code.DeadlineExceeded);
        }
        return {
          stdout: Buffer.from(`ran ${JSON.stringify(cmd)}\n`),
          stderr: Buffer.from("careful\n"),
          exitCode: cmd[0] === "exit" ? Number(cmd[1]) : 0,
        };
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
  return { id: containerId, metadata: { name, attempt }, podSandboxId, state, createdAt, image };
}
