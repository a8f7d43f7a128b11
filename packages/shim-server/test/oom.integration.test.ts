import { existsSync } from "node:fs";
import { ContainerState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { type PodCgroup, podCgroup } from "./pod-cgroup.js";

const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

(v2 ? describe : describe.skip)("kills for want of memory (where cgroup v2 tells of them)", () => {
  let h: Harness;
  let podsOwn: PodCgroup;
  beforeAll(async () => {
    h = await createHarness();
    podsOwn = await podCgroup(h.docker, "shimoom");
  });
  afterAll(async () => {
    await h.close();
    podsOwn.remove();
  });

  const hungry = { command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M"] };
  const ended = async (containerId: string) => {
    const statusNow = async () => (await h.cri.runtime.containerStatus({ containerId })).status;
    const over = async () => (await statusNow())?.state === ContainerState.CONTAINER_EXITED;
    await until(over, { everyMs: 100, deadlineMs: 200_000 });
    return statusNow;
  };

  // The engine misses about every second one, so that six are enough to tell.
  test("each of six has its reason, however late the engine learns of it", async () => {
    const reasons: unknown[] = [];
    for (let count = 0; count < 6; count++) {
      const linux = { resources: { memoryLimitInBytes: 16n << 20n } };
      const { containerId } = await h.runPod({}, { ...hungry, linux });
      const statusNow = await ended(containerId);
      reasons.push((await statusNow())?.reason);
    }
    expect(reasons).toEqual(Array(6).fill("OOMKilled"));
  });

  test("one for the pod's limit counts, and is still known to the next daemon", async () => {
    const { podSandboxId, config } = await h.runPod({ linux: { cgroupParent: podsOwn.parent } });
    podsOwn.write("memory", "memory.max", String(24 << 20));
    const { containerId } = await h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig({ metadata: { name: "hungry", attempt: 0 }, ...hungry }),
    });
    await h.cri.runtime.startContainer({ containerId });
    const reason = async () =>
      (await h.cri.runtime.containerStatus({ containerId })).status?.reason;
    await ended(containerId);
    await until(async () => (await reason()) === "OOMKilled");
    await h.restart();
    expect(await reason()).toBe("OOMKilled");
  });
});
