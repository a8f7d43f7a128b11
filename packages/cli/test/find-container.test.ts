import type { CriClient } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import { expect, test } from "@jest/globals";
import { findContainer, findPreviousContainer } from "../src/objects/find-container.js";

const { CONTAINER_EXITED: ended, CONTAINER_RUNNING: running } = ContainerState;

/** A pod `one` whose container was started twice, and a pod `two` of two containers. */
const containers = [
  { id: "c1", podSandboxId: "p1", metadata: { name: "app", attempt: 0 }, state: ended },
  { id: "c2", podSandboxId: "p1", metadata: { name: "app", attempt: 1 }, state: running },
  { id: "c3", podSandboxId: "p2", metadata: { name: "app", attempt: 0 }, state: running },
  { id: "c4", podSandboxId: "p2", metadata: { name: "two", attempt: 0 }, state: running },
  { id: "c5", podSandboxId: "p2", metadata: { name: "side", attempt: 0 }, state: running },
].map((each) => ({ ...each, createdAt: 1n }));
const items = ["one", "two"].map((name, index) => ({
  id: `p${index + 1}`,
  metadata: { name, namespace: "default", uid: name, attempt: 0 },
}));
const client = {
  runtime: {
    listContainers: async () => ({ containers }),
    listPodSandbox: async () => ({ items }),
  },
} as unknown as CriClient;

test.each(["one", "default/one", "p1", "one/app", "c2"])(
  "%s is the running container",
  async (name) => {
    expect((await findContainer(client, name)).id).toBe("c2");
  },
);

test("the one before is found by the pod too", async () => {
  expect((await findPreviousContainer(client, "one")).id).toBe("c1");
});

test("a container's name comes before a pod's", async () => {
  expect((await findContainer(client, "two")).id).toBe("c4");
});

test("a pod of several containers is refused with their names", async () => {
  await expect(findContainer(client, "default/two")).rejects.toThrow(
    "pod default/two has several containers: default/two/app, default/two/two, default/two/side",
  );
});

test("what is neither is not found", async () => {
  await expect(findContainer(client, "three")).rejects.toThrow(
    'no container has the id or name "three"',
  );
});
