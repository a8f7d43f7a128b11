import { existsSync } from "node:fs";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";
import { type PodCgroup, podCgroup } from "./pod-cgroup.js";

const v2 = existsSync("/sys/fs/cgroup/cgroup.controllers");

(v2 ? describe : describe.skip)("kills for want of memory (where cgroup v2 tells of them)", () => {
  let h: Harness;
  let podsOwn: PodCgroup;
  let pod: { readonly podSandboxId: string; readonly sandboxConfig: object };
  let attempt = 0;
  beforeAll(async () => {
    h = await createHarness();
    podsOwn = await podCgroup(h.docker, "shimoom");
    // As a kubelet runs it: in a cgroup of its own.
    const sandboxConfig = h.sandboxConfig({ linux: { cgroupParent: podsOwn.parent } });
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config: sandboxConfig });
    pod = { podSandboxId, sandboxConfig };
  });
  afterAll(async () => {
    await h.close();
    podsOwn.remove();
  });

  const reasonOf = async (containerId: string) =>
    (await h.cri.runtime.containerStatus({ containerId })).status?.reason;

  /** Runs a container that wants more memory than there is; returns it, and the reason of its end. */
  async function runHungry(limit: bigint) {
    const { containerId } = await h.cri.runtime.createContainer({
      ...pod,
      config: h.containerConfig({
        metadata: { name: "hungry", attempt: attempt++ },
        command: ["sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M"],
        linux: { resources: { memoryLimitInBytes: limit } },
      }),
    });
    await h.cri.runtime.startContainer({ containerId });
    const reason = await until(() => reasonOf(containerId), { everyMs: 100, deadlineMs: 200_000 });
    return { containerId, reason };
  }

  // The engine misses some, so that six tell.
  test("each of six has its reason, however late the engine learns of it", async () => {
    const reasons: string[] = [];
    for (let count = 0; count < 6; count++) reasons.push((await runHungry(16n << 20n)).reason);
    expect(reasons).toEqual(Array(6).fill("OOMKilled"));
  });

  test("one for the pod's limit counts, and is still known to the next daemon", async () => {
    podsOwn.write("memory", "memory.max", String(24 << 20));
    const { containerId, reason } = await runHungry(0n);
    expect(reason).toBe("OOMKilled");
    await h.restart();
    expect(await reasonOf(containerId)).toBe("OOMKilled");
  });
});
