import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type CriClient, CriClientError } from "@dockershim/cri-client";
import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { labVariable } from "@dockershim/testing";
import { type Circumstances, judge, stumbled } from "./judge.js";

/** Who leads pods through their lives. */
export interface Kubelet {
  readonly cri: CriClient;
  /** The engine itself. */
  readonly docker: DockerClient;
  readonly dir: string;
  /** A label of its containers. */
  readonly run: string;
  circumstances(): Circumstances;
  /** Hears what no fault excuses. */
  onWrong(what: string): void;
}

/** Its pod cannot be led further, and needs not. */
class PodOver extends Error {}

/** How long a call may take, and may go on failing, in ms. */
export const patienceMs = 120_000 * Number(process.env.TEST_PATIENCE || 1);

/** Makes a call until it succeeds, as a kubelet does. */
export async function insist<T>(
  kubelet: Pick<Kubelet, "circumstances" | "onWrong">,
  name: string,
  call: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (err) {
      const judgement = judge(err, kubelet.circumstances());
      if (judgement === "over") throw new PodOver(`${name}: ${err}`);
      const late = performance.now() > end;
      if (judgement === "wrong" || late) {
        kubelet.onWrong(`${name}${late ? " for ever" : ""}: ${err}`);
        throw new PodOver(`${name}: ${err}`);
      }
      await delay(20);
    }
  }
}

/** Makes a call that a kubelet makes until it succeeds, whatever it fails with. */
export async function persist<T>(
  { onWrong }: Pick<Kubelet, "onWrong">,
  name: string,
  call: () => Promise<T>,
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (err) {
      const typed = err instanceof CriClientError && !stumbled.test(err.message);
      if (!typed) onWrong(`${name}: ${err}`);
      if (performance.now() > end) throw new Error(`${name} does not succeed`, { cause: err });
      await delay(20);
    }
  }
}

/** A pod from its first call to its last. @returns False when it came to an early end. */
export async function leadPod(kubelet: Kubelet, name: string, pull: boolean): Promise<boolean> {
  try {
    if (pull) await pullAndRemove(kubelet);
    const pod = await runPod(kubelet, name);
    await look(kubelet, pod);
    await endPod(kubelet, pod);
    return true;
  } catch (err) {
    if (err instanceof PodOver) return false;
    throw err;
  }
}

export interface Pod {
  readonly podSandboxId: string;
  readonly containerId: string;
}

/** Runs a pod with a container. */
export async function runPod(kubelet: Kubelet, name: string): Promise<Pod> {
  const { runtime } = kubelet.cri;
  const config = {
    metadata: { name, namespace: "faults", uid: `${kubelet.run}-${name}`, attempt: 0 },
    logDirectory: join(kubelet.dir, "logs", name),
    labels: { run: kubelet.run },
    linux: {},
  };
  const { podSandboxId } = await insist(kubelet, "RunPodSandbox", () =>
    runtime.runPodSandbox({ config }),
  );
  await expectState(kubelet, "RunPodSandbox", podSandboxId, ["running"]);
  const { containerId } = await insist(kubelet, "CreateContainer", () =>
    runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: {
        metadata: { name: "main", attempt: 0 },
        image: { image: labVariable("LAB_IMAGE") },
        command: ["sleep", "3600"],
        logPath: "main.log",
        labels: config.labels,
        linux: {},
      },
    }),
  );
  await expectState(kubelet, "CreateContainer", containerId, ["created"]);
  const runs = async (): Promise<boolean> => {
    const { status } = await runtime.containerStatus({ containerId });
    return status?.state === ContainerState.CONTAINER_RUNNING;
  };
  await insist(kubelet, "StartContainer", async () => {
    // One that is found running is not started again; that it runs may become known meanwhile.
    if (await runs()) return;
    await runtime.startContainer({ containerId }).catch(async (err) => {
      if (err.code !== "FAILED_PRECONDITION" || !(await runs())) throw err;
    });
  });
  await expectState(kubelet, "StartContainer", containerId, ["running"]);
  return { podSandboxId, containerId };
}

/** Asks all that can be asked of a pod that runs. */
async function look(kubelet: Kubelet, { podSandboxId, containerId }: Pod): Promise<void> {
  const { runtime } = kubelet.cri;
  const { stdout, exitCode } = await insist(kubelet, "ExecSync", () =>
    runtime.execSync({ containerId, cmd: ["sh", "-c", "echo hello; exit 3"], timeout: 60n }),
  );
  const said = `${Buffer.from(stdout)} ${exitCode}`;
  if (said !== "hello\n 3") kubelet.onWrong(`ExecSync: ${JSON.stringify(said)}`);
  await expectTold(kubelet, { podSandboxId, containerId });
}

/** Compares what is told of a pod that runs with what is so. */
export async function expectTold(
  kubelet: Kubelet,
  { podSandboxId, containerId }: Pod,
): Promise<void> {
  const { runtime } = kubelet.cri;
  const told = await insist(kubelet, "statuses", async () => {
    const pod = await runtime.podSandboxStatus({ podSandboxId });
    const container = await runtime.containerStatus({ containerId });
    const { items } = await runtime.listPodSandbox({});
    const { containers } = await runtime.listContainers({});
    return {
      pod: PodSandboxState[pod.status?.state ?? -1],
      address: pod.status?.network?.ip === "" ? "none" : "one",
      container: ContainerState[container.status?.state ?? -1],
      listedPod: items.find(({ id }) => id === podSandboxId)?.state === pod.status?.state,
      listed: containers.find(({ id }) => id === containerId)?.state === container.status?.state,
    };
  });
  const { denied, ended } = kubelet.circumstances();
  const right = {
    pod: "SANDBOX_READY",
    address: "one",
    container: "CONTAINER_RUNNING",
    listedPod: true,
    listed: true,
  };
  if (denied || ended || JSON.stringify(told) === JSON.stringify(right)) return;
  kubelet.onWrong(`statuses: ${JSON.stringify(told)}`);
}

async function endPod(kubelet: Kubelet, { podSandboxId, containerId }: Pod): Promise<void> {
  const { runtime } = kubelet.cri;
  await insist(kubelet, "StopContainer", () => runtime.stopContainer({ containerId, timeout: 0n }));
  await expectState(kubelet, "StopContainer", containerId, ["exited"]);
  await insist(kubelet, "RemoveContainer", () => runtime.removeContainer({ containerId }));
  await expectState(kubelet, "RemoveContainer", containerId, ["gone"]);
  await insist(kubelet, "StopPodSandbox", () => runtime.stopPodSandbox({ podSandboxId }));
  await expectState(kubelet, "StopPodSandbox", podSandboxId, ["exited"]);
  await insist(kubelet, "RemovePodSandbox", () => runtime.removePodSandbox({ podSandboxId }));
  await expectState(kubelet, "RemovePodSandbox", podSandboxId, ["gone"]);
}

async function pullAndRemove(kubelet: Kubelet): Promise<void> {
  const image = { image: labVariable("LAB_REGISTRY_IMAGE") };
  const calls = kubelet.cri.image;
  await insist(kubelet, "PullImage", () => calls.pullImage({ image }));
  const { image: found } = await insist(kubelet, "ImageStatus", () => calls.imageStatus({ image }));
  if (found === undefined) kubelet.onWrong("PullImage: the image is not there");
  await insist(kubelet, "RemoveImage", () => calls.removeImage({ image }));
}

/** A call that succeeded must have done its work: the engine knows. */
async function expectState(
  { docker, circumstances, onWrong }: Kubelet,
  call: string,
  id: string,
  expected: readonly string[],
): Promise<void> {
  const { ended, denied } = circumstances();
  // An engine that is away cannot be asked, and one that says that nothing is there is believed for a while.
  if (ended || denied) return;
  const state = await docker.containers.inspect(id).then(
    ({ State }) => State.Status,
    (err) => (isDockerError(err, "not_found") ? "gone" : String(err)),
  );
  if (!circumstances().ended && !expected.includes(state)) {
    onWrong(`${call} succeeded, and the container is ${state}`);
  }
}
