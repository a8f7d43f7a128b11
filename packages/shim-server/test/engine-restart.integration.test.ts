import { ContainerState, PodSandboxState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { labConfig } from "../../../lab/config.ts";
import { type EngineEnd, endEngine, restartEngine } from "../../../lab/restart.ts";
import { down, up } from "../../../lab/up-down.ts";
import { createHarness, type Harness } from "./harness.js";

// An engine of its own: the others would not survive its restarts.
const config = labConfig({ ...process.env, LAB: `${process.env.LAB ?? "test"}-restart` });
const { LAB_DOCKER_ENDPOINT: sharedEngine } = process.env;

describe("an engine that goes and comes back", () => {
  let h: Harness;
  beforeAll(async () => {
    Object.assign(process.env, await up(config));
    h = await createHarness();
  });
  afterAll(async () => {
    await h.close();
    await down(config);
    process.env.LAB_DOCKER_ENDPOINT = sharedEngine;
  });

  async function states(pod: { podSandboxId: string; containerId: string }) {
    const sandbox = await h.cri.runtime.podSandboxStatus(pod);
    const container = await h.cri.runtime.containerStatus(pod);
    return {
      sandbox: sandbox.status?.state,
      ip: sandbox.status?.network?.ip,
      container: container.status?.state,
      startedAt: container.status?.startedAt,
    };
  }

  async function listError(): Promise<string> {
    return await h.cri.runtime.listContainers({}).then(
      () => "",
      (err) => err.code,
    );
  }

  async function restart(how: EngineEnd, liveRestore: boolean): Promise<void> {
    await endEngine(config, how);
    await until(async () => (await listError()) === "UNAVAILABLE");
    const { status } = await h.cri.runtime.status({});
    expect(status?.conditions[0]).toMatchObject({ type: "RuntimeReady", status: false });
    await restartEngine(config, { liveRestore });
    await until(async () => {
      const again = await h.cri.runtime.status({});
      return again.status?.conditions[0]?.status === true;
    });
  }

  test.each<EngineEnd>(["stopped", "killed"])(
    "one that was %s leaves dead pods NOTREADY, and a new attempt of the pod runs",
    async (how) => {
      const pod = await h.runPod();
      await restart(how, false);
      expect(await states(pod)).toMatchObject({
        sandbox: PodSandboxState.SANDBOX_NOTREADY,
        container: ContainerState.CONTAINER_EXITED,
      });
      await h.cri.runtime.stopPodSandbox(pod);
      const metadata = { ...pod.config.metadata, attempt: 1 };
      const next = await h.runPod({ ...pod.config, metadata });
      expect(await states(next)).toMatchObject({
        sandbox: PodSandboxState.SANDBOX_READY,
        ip: expect.stringMatching(/^10\./),
      });
      await h.cri.runtime.removePodSandbox(pod);
      await h.cri.runtime.removePodSandbox(next);
    },
  );

  test("with live-restore pods run on with their addresses, as if nothing had been", async () => {
    await restart("stopped", true);
    const pod = await h.runPod();
    const before = await states(pod);
    await restart("stopped", true);
    expect(await states(pod)).toEqual(before);
    const exec = await h.cri.runtime.execSync({
      containerId: pod.containerId,
      cmd: ["ip", "addr"],
      timeout: 10n,
    });
    expect(new TextDecoder().decode(exec.stdout)).toContain(`${before.ip}/`);
  });
});
