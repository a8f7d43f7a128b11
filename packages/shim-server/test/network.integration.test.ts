import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PodSandboxState, Protocol } from "@dockershim/cri-types";
import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { type EngineProxy, type EngineReply, startEngineProxy } from "./engine-proxy.js";
import { createHarness, type Harness } from "./harness.js";

/** Addresses that the lab's network has given out (a file each, written by host-local). */
function allocated(): string[] {
  const [file = ""] = readdirSync(labVariable("LAB_CNI_CONF_DIR"));
  const list = JSON.parse(readFileSync(join(labVariable("LAB_CNI_CONF_DIR"), file), "utf8"));
  const dir = join(list.plugins[0].ipam.dataDir, list.name);
  return existsSync(dir) ? readdirSync(dir).filter((name) => /^\d+\./.test(name)) : [];
}

describe("pod networking", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const ipOf = async (podSandboxId: string) =>
    (await h.cri.runtime.podSandboxStatus({ podSandboxId })).status?.network?.ip ?? "";
  const stateOf = async (podSandboxId: string) =>
    (await h.cri.runtime.podSandboxStatus({ podSandboxId })).status?.state;
  async function networkReady(): Promise<{ status: boolean; message: string }> {
    const { status } = await h.cri.runtime.status({});
    const found = status?.conditions.find(({ type }) => type === "NetworkReady");
    return { status: found?.status ?? false, message: found?.message ?? "" };
  }

  test("an address goes back when the pod is stopped", async () => {
    const { podSandboxId } = await h.runPod();
    const ip = await ipOf(podSandboxId);
    expect(allocated()).toContain(ip);
    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    expect(allocated()).not.toContain(ip);
    expect(await ipOf(podSandboxId)).toBe("");
  });

  test("an address goes back when the sandbox is removed behind our back", async () => {
    const { podSandboxId } = await h.runPod();
    const ip = await ipOf(podSandboxId);
    await h.docker.containers.remove(podSandboxId, { force: true });
    await until(() => !allocated().includes(ip));
    expect(readdirSync(join(h.options.rootDir ?? "", "cni", "results"))).not.toContain(
      expect.stringContaining(podSandboxId),
    );
  });

  test("an address goes back when the sandbox is removed while no daemon runs", async () => {
    const { podSandboxId } = await h.runPod();
    const ip = await ipOf(podSandboxId);
    await h.stop();
    await h.docker.containers.remove(podSandboxId, { force: true });
    await h.restart();
    await until(() => !allocated().includes(ip));
  });

  test("a pod whose pause container somebody starts again is not ready, for its network is gone", async () => {
    const { podSandboxId, config } = await h.runPod();
    expect(await stateOf(podSandboxId)).toBe(PodSandboxState.SANDBOX_READY);
    await h.docker.containers.stop(podSandboxId, { timeoutSeconds: 0 });
    await h.docker.containers.start(podSandboxId);
    const { Pid: pid } = (await h.docker.containers.inspect(podSandboxId)).State;
    const seen = async () => {
      const { info } = await h.cri.runtime.podSandboxStatus({ podSandboxId, verbose: true });
      return JSON.parse(info.info ?? "").pid === pid;
    };
    for (const again of [false, true]) {
      if (again) await h.restart();
      await until(seen);
      expect(await stateOf(podSandboxId)).toBe(PodSandboxState.SANDBOX_NOTREADY);
      const { items } = await h.cri.runtime.listPodSandbox({ filter: { id: podSandboxId } });
      expect(items[0]?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
      expect(await ipOf(podSandboxId)).toBe("");
    }
    const { podSandboxId: next } = await h.cri.runtime.runPodSandbox({ config });
    expect(next).not.toBe(podSandboxId);
    expect(await ipOf(next)).not.toBe("");
    await h.cri.runtime.removePodSandbox({ podSandboxId: next });
  });

  test("20 pods started at once get 20 addresses", async () => {
    const pods = await Promise.all(
      Array.from({ length: 20 }, () => h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() })),
    );
    const ips = await Promise.all(pods.map(({ podSandboxId }) => ipOf(podSandboxId)));
    expect(new Set(ips).size).toBe(20);
    expect(ips).not.toContain("");
    await Promise.all(
      pods.map(({ podSandboxId }) => h.cri.runtime.removePodSandbox({ podSandboxId })),
    );
    for (const ip of ips) expect(allocated()).not.toContain(ip);
  });

  test("a host port leads into the pod, and the second pod that wants it is told who has it", async () => {
    const hostPort = 20_000 + (process.pid % 10_000);
    const portMappings = [{ protocol: Protocol.TCP, containerPort: 80, hostPort, hostIp: "" }];
    const first = await h.runPod(
      { ...h.sandboxConfig(), portMappings },
      { ...h.containerConfig(), command: ["sh", "-c", "mkdir /w; echo hi > /w/i; httpd -f -h /w"] },
    );
    const page = () =>
      fetch(`http://${gateway()}:${hostPort}/i`).then(
        (reply) => reply.text(),
        () => undefined,
      );
    await until(async () => (await page()) === "hi\n");
    await expect(
      h.cri.runtime.runPodSandbox({
        config: { ...h.sandboxConfig(), portMappings },
      }),
    ).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(`${hostPort}/tcp.*${first.podSandboxId}`),
    });
    await h.cri.runtime.removePodSandbox(first);
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({
      config: { ...h.sandboxConfig(), portMappings },
    });
    await h.cri.runtime.removePodSandbox({ podSandboxId });
  });

  function gateway(): string {
    return labVariable("LAB_SUBNET").replace(/0\/24$/, "1");
  }

  describe("with an engine whose replies to a sandbox's start wait", () => {
    let proxy: EngineProxy;
    /** What comes before the engine's reply to the next start. */
    let before: ((reply: EngineReply) => Promise<EngineReply>) | undefined;
    beforeAll(async () => {
      const engine = labVariable("LAB_DOCKER_ENDPOINT").replace("unix://", "");
      proxy = await startEngineProxy(engine, join(h.dir, "engine.sock"), (held) => {
        if (before === undefined || held.shape !== "POST /containers/ID/start") return held.pass();
        const change = before;
        before = undefined;
        void held.ask().then(change).then(held.answer, held.drop);
      });
      await h.restart({ dockerEndpoint: proxy.endpoint });
      // What the first pod tells of the engine's folders is used for those after it.
      const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() });
      await h.cri.runtime.removePodSandbox({ podSandboxId });
    });
    afterAll(async () => {
      await h.restart({ dockerEndpoint: labVariable("LAB_DOCKER_ENDPOINT") });
      await proxy.close();
    });

    /** Files of CNI results of this daemon's pods. */
    function results(): string[] {
      const folder = join(h.options.rootDir ?? "", "cni", "results");
      return readdirSync(folder).map((name) => join(folder, name));
    }

    /** Addresses in them; there is one as soon as the plugins are through. */
    function addresses(): string[] {
      return results().flatMap((file) => {
        const text = existsSync(file) ? readFileSync(file, "utf8") : "";
        return [...text.matchAll(/"address": *"([\d.]+)\//g)].map(([, ip = ""]) => ip);
      });
    }

    test("a pod has its address before the engine has replied", async () => {
      const had = addresses();
      before = async (reply) => {
        await until(() => addresses().length > had.length);
        return reply;
      };
      const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() });
      expect(new Set(addresses())).toEqual(new Set([...had, await ipOf(podSandboxId)]));
      await h.cri.runtime.removePodSandbox({ podSandboxId });
      expect(new Set(addresses())).toEqual(new Set(had));
    });

    test("its address goes back when that reply is an error", async () => {
      const state = async () => [results(), await h.dockerIds()];
      const [now, had] = [await state(), addresses()];
      let given: string | undefined;
      before = async (reply) => {
        await until(() => {
          given = addresses().find((ip) => !had.includes(ip));
          return given !== undefined;
        });
        return { ...reply, status: 500, body: Buffer.from('{"message":"not today"}') };
      };
      await expect(
        h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() }),
      ).rejects.toMatchObject({ message: expect.stringContaining("not today") });
      expect(await state()).toEqual(now);
      expect(allocated()).not.toContain(given);
    });
  });

  test("NetworkReady follows the configuration: absent, dropped in, broken, mended", async () => {
    const cniConfDir = join(h.dir, "net.d");
    mkdirSync(cniConfDir);
    await h.restart({ cniConfDir });
    expect(await networkReady()).toMatchObject({
      status: false,
      message: expect.stringContaining(cniConfDir),
    });
    await expect(h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("network"),
    });
    const [name = ""] = readdirSync(labVariable("LAB_CNI_CONF_DIR"));
    const good = readFileSync(join(labVariable("LAB_CNI_CONF_DIR"), name));
    const file = join(cniConfDir, "10.conflist");
    writeFileSync(file, good);
    await until(async () => (await networkReady()).status);
    writeFileSync(file, "{");
    await until(async () => !(await networkReady()).status);
    writeFileSync(file, good);
    await until(async () => (await networkReady()).status);
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config: h.sandboxConfig() });
    const ip = await ipOf(podSandboxId);
    // A pod is torn down by the configuration it was made with, whatever is there now.
    rmSync(file);
    await until(async () => !(await networkReady()).status);
    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect(allocated()).not.toContain(ip);
    await h.restart();
  });
});
