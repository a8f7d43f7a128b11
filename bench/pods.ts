import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { NamespaceMode, type PodSandboxConfigSchema, RuntimeService } from "@dockershim/cri-types";
import { allOf } from "./all-of.ts";
import type { Cleanup } from "./cleanup.ts";
import type { Endpoint } from "./endpoint.ts";
import { engineRequest } from "./engine-request.ts";

const { method } = RuntimeService;

/** A pod of this run. */
export interface Pod {
  readonly sandboxId: string;
  /** Empty for a pod without a container. */
  readonly containerId: string;
  readonly logDirectory: string;
  /** What it was made of, which its containers are made with too. */
  readonly config: MessageInitShape<typeof PodSandboxConfigSchema>;
}

/** What a pod's container does: `running` sleeps, `created` was never started. */
export type ContainerChoice = "running" | "created" | "none";

export interface PodChoices {
  readonly image: string;
  readonly hostNetwork: boolean;
  readonly container: ContainerChoice;
  readonly logRoot: string;
}

/** One run's mark on everything it makes. */
export const run: string = randomBytes(4).toString("hex");
let count = 0;

/** Makes a pod as a kubelet does. When a later step fails, the sandbox is removed again. */
export async function startPod(endpoint: Endpoint, choices: PodChoices): Promise<Pod> {
  const name = `bench-${run}-${count++}`;
  const logDirectory = join(choices.logRoot, name);
  const network = choices.hostNetwork ? NamespaceMode.NODE : NamespaceMode.POD;
  const config: MessageInitShape<typeof PodSandboxConfigSchema> = {
    metadata: { name, namespace: "bench", uid: name, attempt: 0 },
    logDirectory,
    labels: { bench: run },
    linux: { securityContext: { namespaceOptions: { network } } },
  };
  // The kubelet makes it, and some runtimes rely on that.
  mkdirSync(logDirectory, { recursive: true });
  const { cri } = endpoint;
  const { podSandboxId } = (await cri.call(method.runPodSandbox, { config })).reply;
  const pod = { sandboxId: podSandboxId, containerId: "", logDirectory, config };
  if (choices.container === "none") return pod;
  try {
    const { containerId } = (
      await cri.call(method.createContainer, {
        podSandboxId,
        sandboxConfig: config,
        config: {
          metadata: { name: "main", attempt: 0 },
          image: { image: choices.image },
          command: ["sleep", "86400"],
          logPath: "main.log",
          labels: { bench: run },
          linux: {},
        },
      })
    ).reply;
    if (choices.container === "running") await cri.call(method.startContainer, { containerId });
    return { ...pod, containerId };
  } catch (err) {
    await stopPod(endpoint, pod);
    throw err;
  }
}

/** The image that an endpoint's sandboxes are made from, which it has its engine load for the first. */
export async function findPauseImage(endpoint: Endpoint, docker: string): Promise<string> {
  return await withPod(endpoint, { image: "", container: "none" }, async ({ sandboxId }) => {
    const inspect = await engineRequest(docker, "GET", `/containers/${sandboxId}/json`);
    return (inspect as { Config: { Image: string } }).Config.Image;
  });
}

/** Makes a pod and removes it. @returns Why that cannot be done, undefined when it can. */
export async function tryPod(endpoint: Endpoint, image: string): Promise<string | undefined> {
  try {
    await withPod(endpoint, { image, container: "running" }, async () => undefined);
    return undefined;
  } catch (err) {
    return err instanceof Error ? err.message : String(err);
  }
}

async function withPod<T>(
  endpoint: Endpoint,
  choices: Pick<PodChoices, "image" | "container">,
  use: (pod: Pod) => Promise<T>,
): Promise<T> {
  const logRoot = mkdtempSync(join(tmpdir(), "dockershim-bench-"));
  try {
    const pod = await startPod(endpoint, { ...choices, hostNetwork: true, logRoot });
    try {
      return await use(pod);
    } finally {
      await stopPod(endpoint, pod);
    }
  } finally {
    rmSync(logRoot, { recursive: true, force: true });
  }
}

/** Stops and removes a pod as a kubelet does. */
export async function stopPod({ cri }: Endpoint, pod: Pod): Promise<void> {
  const { sandboxId: podSandboxId, containerId } = pod;
  if (containerId !== "") await cri.call(method.stopContainer, { containerId, timeout: 0n });
  await cri.call(method.stopPodSandbox, { podSandboxId });
  if (containerId !== "") await cri.call(method.removeContainer, { containerId });
  await cri.call(method.removePodSandbox, { podSandboxId });
  rmSync(pod.logDirectory, { recursive: true, force: true });
}

/**
 * Removes what this run's pods have left in an engine when the runtime could not do it any more.
 *
 * @param docker Path of the engine's socket.
 */
export async function removeLeftovers(docker: string): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`bench=${run}`] }));
  const left = await engineRequest(docker, "GET", `/containers/json?all=1&filters=${filters}`);
  for (const { Id } of left as { Id: string }[]) {
    await engineRequest(docker, "DELETE", `/containers/${Id}?force=1&v=1`);
  }
}

/** So many pods are made and removed at once; the engine gains nothing from more. */
const parallel = 4;

/** The pods that stand on an endpoint while calls are measured. */
export interface Population {
  readonly pods: readonly Pod[];
  /** @returns How many pods a second were made. */
  grow(size: number): Promise<number>;
  empty(): Promise<void>;
}

export function createPopulation(
  endpoint: Endpoint,
  choices: PodChoices,
  cleanup: Cleanup,
): Population {
  const pods: Pod[] = [];

  async function empty(): Promise<void> {
    const worker = async (): Promise<void> => {
      for (let pod = pods.pop(); pod !== undefined; pod = pods.pop()) await stopPod(endpoint, pod);
    };
    await allOf(parallel, worker);
  }
  cleanup.add(empty);

  return {
    pods,
    async grow(size) {
      const wanted = size - pods.length;
      let left = wanted;
      const started = performance.now();
      const worker = async (): Promise<void> => {
        while (left > 0) {
          cleanup.check();
          left--;
          pods.push(await startPod(endpoint, choices));
        }
      };
      await allOf(parallel, worker);
      return wanted / ((performance.now() - started) / 1_000);
    },
    empty,
  };
}
