import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

// Ids as `crictl ps` and `crictl pods` print them.
describe("every call that takes an id takes the beginning of it", () => {
  let h: Harness;
  const short = (id: string): string => id.slice(0, 13);
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  test("from a container's creation to its end", async () => {
    const { runtime } = h.cri;
    const config = h.sandboxConfig();
    const { podSandboxId } = await runtime.runPodSandbox({ config });
    const { containerId } = await runtime.createContainer({
      podSandboxId: short(podSandboxId),
      sandboxConfig: config,
      config: h.containerConfig(),
    });
    const container = { containerId: short(containerId) };
    const pod = { podSandboxId: short(podSandboxId) };
    await runtime.startContainer(container);
    expect((await runtime.containerStatus(container)).status?.id).toBe(containerId);
    expect((await runtime.podSandboxStatus(pod)).status?.id).toBe(podSandboxId);
    expect((await runtime.containerStats(container)).stats?.attributes?.id).toBe(containerId);
    expect((await runtime.podSandboxStats(pod)).stats?.attributes?.id).toBe(podSandboxId);
    await runtime.updateContainerResources({ ...container, linux: { cpuShares: 512n } });
    await runtime.updatePodSandboxResources(pod);
    await runtime.reopenContainerLog(container);
    const { stdout } = await runtime.execSync({ ...container, cmd: ["echo", "hi"] });
    expect(new TextDecoder().decode(stdout)).toBe("hi\n");
    expect((await runtime.exec({ ...container, cmd: ["sh"], stdout: true })).url).toMatch(/exec/);
    expect((await runtime.attach({ ...container, stdout: true })).url).toMatch(/attach/);
    expect((await runtime.portForward({ ...pod, port: [80] })).url).toMatch(/portforward/);

    await runtime.stopContainer({ ...container, timeout: 0n });
    const { status } = await runtime.containerStatus({ containerId });
    expect(status?.state).toBe(2);
    await runtime.removeContainer(container);
    await expect(runtime.containerStatus({ containerId })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await runtime.stopPodSandbox(pod);
    await runtime.removePodSandbox(pod);
    expect((await runtime.listPodSandbox({ filter: { id: podSandboxId } })).items).toEqual([]);
  });

  test.each<[string, (h: Harness) => Promise<unknown>]>([
    ["StopContainer", ({ cri }) => cri.runtime.stopContainer({ containerId: "0000dead" })],
    ["RemoveContainer", ({ cri }) => cri.runtime.removeContainer({ containerId: "0000dead" })],
    ["StopPodSandbox", ({ cri }) => cri.runtime.stopPodSandbox({ podSandboxId: "0000dead" })],
    ["RemovePodSandbox", ({ cri }) => cri.runtime.removePodSandbox({ podSandboxId: "0000dead" })],
  ])(
    "%s of a beginning that no id has is refused: it cannot have done anything",
    async (_, call) => {
      await expect(call(h)).rejects.toMatchObject({ code: "NOT_FOUND" });
    },
  );

  test("a beginning that several ids have is refused", async () => {
    const ids: string[] = [];
    // Two of seventeen ids begin with the same hexadecimal digit.
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    for (let attempt = 0; attempt < 17; attempt++) {
      const created = await h.cri.runtime.createContainer({
        podSandboxId,
        sandboxConfig: config,
        config: h.containerConfig({ metadata: { name: "main", attempt } }),
      });
      ids.push(created.containerId);
    }
    const firsts = ids.map((id) => id.slice(0, 1));
    const shared = firsts.find((first, index) => firsts.indexOf(first) !== index) ?? "";
    await expect(h.cri.runtime.containerStatus({ containerId: shared })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("more than one container"),
    });
  });
});
