import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { tarOf, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { startEventFeed } from "../src/state/event-feed.js";
import { createExecExits } from "../src/state/exec-exits.js";
import { createHarness, type Harness } from "./harness.js";

describe("what happens behind the daemon's back", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  async function stateOf(containerId: string): Promise<ContainerState | "gone"> {
    const { containers } = await h.cri.runtime.listContainers({ filter: { id: containerId } });
    return containers[0]?.state ?? "gone";
  }

  test("a container that Docker kills, stops or removes is seen so", async () => {
    const killed = await h.runPod();
    await h.docker.containers.kill(killed.containerId);
    await until(
      async () => (await stateOf(killed.containerId)) === ContainerState.CONTAINER_EXITED,
    );
    const removed = await h.runPod();
    await h.docker.containers.remove(removed.containerId, { force: true });
    await until(async () => (await stateOf(removed.containerId)) === "gone");
  });

  test("what is copied into a container is told, so that its layer is looked at", async () => {
    const { containerId } = await h.runPod();
    const written: string[] = [];
    const nothing = async (): Promise<void> => {};
    const feed = startEventFeed({
      docker: h.docker,
      engine: { facts: nothing, markConnected() {}, connected: true } as never,
      store: { resync: nothing } as never,
      images: { refresh: nothing } as never,
      execExits: createExecExits(),
      onSynced() {},
      onWritten: (id) => void written.push(id),
      log: pino({ level: "silent" }),
    });
    try {
      await feed.firstContact;
      await h.docker.containers.putArchive(containerId, "/tmp", tarOf("copied.txt", "hello\n"));
      await until(() => written.includes(containerId));
    } finally {
      await feed.stop();
    }
  });

  test("a sandbox that is killed is NOTREADY, and can be stopped and removed", async () => {
    const { podSandboxId } = await h.runPod();
    await h.docker.containers.kill(podSandboxId);
    await until(async () => {
      const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
      return status?.state === PodSandboxState.SANDBOX_NOTREADY;
    });
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    await h.cri.runtime.removePodSandbox({ podSandboxId });
  });

  test("a daemon that is restarted knows its pods, with their addresses, and goes on with them", async () => {
    const { podSandboxId, containerId, config } = await h.runPod();
    const before = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    await h.restart();
    const after = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(after.status).toEqual(before.status);
    expect(after.status?.network?.ip).not.toBe("");
    expect(await stateOf(containerId)).toBe(ContainerState.CONTAINER_RUNNING);
    const again = await h.cri.runtime.runPodSandbox({ config });
    expect(again.podSandboxId).toBe(podSandboxId);
  });

  test("two daemons on one engine do not see each other's pods", async () => {
    const other = await createHarness();
    try {
      const { podSandboxId } = await h.runPod();
      const theirs = await other.runPod();
      expect((await other.cri.runtime.listPodSandbox({})).items.map(({ id }) => id)).toEqual([
        theirs.podSandboxId,
      ]);
      await expect(other.cri.runtime.podSandboxStatus({ podSandboxId })).rejects.toMatchObject({
        code: "NOT_FOUND",
      });
    } finally {
      await other.close();
    }
  });
});
