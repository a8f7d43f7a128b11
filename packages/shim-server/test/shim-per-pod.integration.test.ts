import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { shimOf as shimPid } from "./shim-of.js";

let harness: Harness;
/** Whether the engine can pass annotations on. */
let grouped: boolean;

beforeAll(async () => {
  harness = await createHarness();
  const [major = 0, minor = 0] = (await harness.docker.apiVersion()).split(".").map(Number);
  grouped = major > 1 || minor >= 43;
});

afterAll(() => harness.close());

const shimOf = (id: string) => shimPid(harness.docker, id);

async function runPod(): Promise<{ podSandboxId: string; containerIds: string[] }> {
  const { podSandboxId, containerId, config } = await harness.runPod();
  const { containerId: second } = await harness.cri.runtime.createContainer({
    podSandboxId,
    sandboxConfig: config,
    config: harness.containerConfig({ metadata: { name: "second", attempt: 0 } }),
  });
  await harness.cri.runtime.startContainer({ containerId: second });
  return { podSandboxId, containerIds: [containerId, second] };
}

async function stateOf(containerId: string): Promise<ContainerState | undefined> {
  const { status } = await harness.cri.runtime.containerStatus({ containerId });
  return status?.state;
}

test("a pod has one shim, which is no other pod's, and a container's end is its own", async () => {
  const { podSandboxId, containerIds } = await runPod();
  const [first = "", second = ""] = containerIds;
  const shims = await Promise.all([podSandboxId, first, second].map(shimOf));
  expect(new Set(shims).size).toBe(grouped ? 1 : 3);
  const other = await runPod();
  expect(shims).not.toContain(await shimOf(other.podSandboxId));
  await harness.cri.runtime.stopContainer({ containerId: first, timeout: 0n });
  expect(await stateOf(first)).toBe(ContainerState.CONTAINER_EXITED);
  expect(await stateOf(second)).toBe(ContainerState.CONTAINER_RUNNING);
  await harness.cri.runtime.removeContainer({ containerId: first });
  const { exitCode } = await harness.cri.runtime.execSync({ containerId: second, cmd: ["true"] });
  expect(exitCode).toBe(0);
});

test("the death of the shim ends the pod, as it is told, and all can be removed", async () => {
  const { podSandboxId, containerIds } = await runPod();
  const [first = "", second = ""] = containerIds;
  process.kill(await shimOf(first), "SIGKILL");
  const states = grouped
    ? [ContainerState.CONTAINER_EXITED, ContainerState.CONTAINER_EXITED]
    : [ContainerState.CONTAINER_EXITED, ContainerState.CONTAINER_RUNNING];
  await until(async () => (await stateOf(first)) === states[0]);
  await until(async () => (await stateOf(second)) === states[1]);
  const sandbox = grouped ? PodSandboxState.SANDBOX_NOTREADY : PodSandboxState.SANDBOX_READY;
  await until(async () => {
    const { status } = await harness.cri.runtime.podSandboxStatus({ podSandboxId });
    return status?.state === sandbox;
  });
  const { status } = await harness.cri.runtime.containerStatus({ containerId: first });
  expect(status).toMatchObject({ exitCode: 137, reason: "Error" });
  await harness.cri.runtime.stopPodSandbox({ podSandboxId });
  await harness.cri.runtime.removePodSandbox({ podSandboxId });
  expect(await harness.dockerIds()).not.toContain(podSandboxId);
});

test("each container has a shim of its own where that is chosen; pods made before keep theirs", async () => {
  const before = await runPod();
  await harness.restart({ shimPerPod: false });
  const shims = async ({ podSandboxId, containerIds }: typeof before) =>
    new Set(await Promise.all([podSandboxId, ...containerIds].map(shimOf))).size;
  expect(await shims(await runPod())).toBe(3);
  expect(await shims(before)).toBe(grouped ? 1 : 3);
});
