import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startRealRuntime } from "./real-runtime.js";

// Looking at objects and handling them, with a real Docker engine.

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;

beforeAll(async () => {
  runtime = await startRealRuntime();
});
afterAll(() => runtime.close());

const dockershim = (...args: string[]) => runtime.dockershim(...args);

test("a pod, its container and the image are inspected and described", async () => {
  const { podSandboxId, containerId } = await runtime.startPod("seen");
  const image = labVariable("LAB_IMAGE");
  const inspected = await dockershim("inspect", "seen", "seen/main", image);
  expect(JSON.parse(inspected.stdout)).toMatchObject([
    { status: { id: podSandboxId, state: "SANDBOX_READY" } },
    { status: { id: containerId, state: "CONTAINER_RUNNING" }, info: expect.anything() },
    { image: { repoTags: expect.arrayContaining([image]) } },
  ]);
  const container = await dockershim("describe", containerId.slice(0, 8));
  expect(container.stdout).toMatch(/^Container: +default\/seen\/main\n/);
  expect(container.stdout).toMatch(/\n {2}State +Running\n/);
  expect(container.stdout).toMatch(/\n {2}Memory limit +64Mi\n/);
  const pod = await dockershim("describe", "default/seen");
  expect(pod.stdout).toMatch(/\n {2}main +0 +Running +\d+s ago +[0-9a-f]{13}\n/);
  const described = await dockershim("describe", "--type", "image", image);
  expect(described.stdout).toMatch(/\nPlatform: +linux\/\w+\n/);
  expect(described.stdout).toContain("\n  default/seen/main   ");
});

test("a container that failed is described with its exit code", async () => {
  const { containerId } = await runtime.startPod("failed", ["sh", "-c", "exit 7"]);
  await until(async () => {
    const { status } = await runtime.client.runtime.containerStatus({ containerId });
    return (status?.finishedAt ?? 0n) > 0n;
  });
  const { stdout } = await dockershim("describe", "failed/main");
  expect(stdout).toMatch(/\n {2}State +Exited\n {2}Exit code +7\n {2}Reason +Error\n/);
});
