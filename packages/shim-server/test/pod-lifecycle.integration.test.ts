import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ContainerState, NamespaceMode, PodSandboxState } from "@dockershim/cri-types";
import { until } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

describe("a pod on a real engine", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  async function exec(containerId: string, ...cmd: string[]) {
    const reply = await h.cri.runtime.execSync({ containerId, cmd, timeout: 10n });
    return { ...reply, out: text(reply.stdout), err: text(reply.stderr) };
  }

  test("has an address of its own, its hostname and its DNS settings inside the container", async () => {
    const { podSandboxId, containerId } = await h.runPod({
      ...h.sandboxConfig(),
      hostname: "web-0",
      dnsConfig: { servers: ["10.96.0.10"], searches: ["a.svc"], options: ["ndots:5"] },
    });
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.state).toBe(PodSandboxState.SANDBOX_READY);
    expect(status?.network?.ip).toMatch(/^10\.213\./);
    expect((await exec(containerId, "hostname")).out).toBe("web-0\n");
    expect((await exec(containerId, "ip", "addr", "show", "eth0")).out).toContain(
      `inet ${status?.network?.ip}/`,
    );
    expect((await exec(containerId, "cat", "/etc/resolv.conf")).out).toBe(
      "search a.svc\nnameserver 10.96.0.10\noptions ndots:5\n",
    );
  });

  test("goes through created, running and exited, each with its time", async () => {
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const { containerId } = await h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig({ command: ["sh", "-c", "echo out; echo err >&2; exit 7"] }),
    });
    const created = await h.cri.runtime.containerStatus({ containerId });
    expect(created.status?.state).toBe(ContainerState.CONTAINER_CREATED);
    expect(created.status?.startedAt).toBe(0n);
    await h.cri.runtime.startContainer({ containerId });
    await until(async () => {
      const { status } = await h.cri.runtime.containerStatus({ containerId });
      return status?.state === ContainerState.CONTAINER_EXITED;
    });
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    expect(status).toMatchObject({ exitCode: 7, reason: "Error" });
    expect(status?.finishedAt).toBeGreaterThanOrEqual(status?.startedAt ?? 0n);
    expect(status?.startedAt).toBeGreaterThanOrEqual(status?.createdAt ?? 0n);
    expect(status?.logPath).toBe(join(config.logDirectory ?? "", "main.log"));
    const log = readFileSync(status?.logPath ?? "", "utf8");
    expect(log).toContain("out");
    expect(log).toContain("err");
  });

  test("is in the lists with its metadata until it is removed, and then leaves nothing", async () => {
    const { podSandboxId, containerId, config } = await h.runPod();
    const filter = { id: podSandboxId };
    const listed = await h.cri.runtime.listPodSandbox({ filter });
    expect(listed.items[0]?.metadata).toMatchObject(config.metadata ?? {});
    const inPod = await h.cri.runtime.listContainers({ filter: { podSandboxId } });
    expect(inPod.containers.map(({ id }) => id)).toEqual([containerId]);
    const { status } = await h.cri.runtime.containerStatus({ containerId });

    await h.cri.runtime.stopPodSandbox({ podSandboxId });
    const stopped = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(stopped.status?.state).toBe(PodSandboxState.SANDBOX_NOTREADY);
    const ended = await h.cri.runtime.containerStatus({ containerId });
    expect(ended.status?.state).toBe(ContainerState.CONTAINER_EXITED);

    await h.cri.runtime.removePodSandbox({ podSandboxId });
    expect((await h.cri.runtime.listPodSandbox({ filter })).items).toEqual([]);
    expect(await h.dockerIds()).not.toContain(podSandboxId);
    expect(await h.dockerIds()).not.toContain(containerId);
    // Logs are the kubelet's to remove: it may still want to read one.
    expect(existsSync(status?.logPath ?? "")).toBe(true);
  });

  test("can use the node's network", async () => {
    const { podSandboxId, containerId } = await h.runPod({
      ...h.sandboxConfig(),
      linux: { securityContext: { namespaceOptions: { network: NamespaceMode.NODE } } },
    });
    const { status } = await h.cri.runtime.podSandboxStatus({ podSandboxId });
    expect(status?.network?.ip).toBe("");
    expect((await exec(containerId, "ls", "/sys/class/net")).out).not.toBe("lo\n");
  });

  test("stopping and removing again, or what never was, succeeds", async () => {
    const { podSandboxId, containerId } = await h.runPod();
    const unknown = "f".repeat(64);
    for (const id of [containerId, containerId, unknown]) {
      await h.cri.runtime.stopContainer({ containerId: id, timeout: 0n });
    }
    for (const id of [containerId, containerId, unknown]) {
      await h.cri.runtime.removeContainer({ containerId: id });
    }
    for (const id of [podSandboxId, podSandboxId, unknown]) {
      await h.cri.runtime.stopPodSandbox({ podSandboxId: id });
    }
    for (const id of [podSandboxId, podSandboxId, unknown]) {
      await h.cri.runtime.removePodSandbox({ podSandboxId: id });
    }
  });

  test("asked for twice, at once or later, is one pod with one container", async () => {
    const config = h.sandboxConfig();
    const run = () => h.cri.runtime.runPodSandbox({ config });
    const [first, second] = await Promise.all([run(), run()]);
    expect(second.podSandboxId).toBe(first.podSandboxId);
    expect((await run()).podSandboxId).toBe(first.podSandboxId);
    const create = () =>
      h.cri.runtime.createContainer({
        podSandboxId: first.podSandboxId,
        sandboxConfig: config,
        config: h.containerConfig(),
      });
    const [one, two] = await Promise.all([create(), create()]);
    expect(two.containerId).toBe(one.containerId);
  });

  test("a command that does not exist fails the start with the engine's words and ends EXITED", async () => {
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const { containerId } = await h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig({ command: ["/no/such/program"] }),
    });
    await expect(h.cri.runtime.startContainer({ containerId })).rejects.toMatchObject({
      code: "INTERNAL",
      message: expect.stringContaining("/no/such/program"),
    });
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    expect(status?.state).toBe(ContainerState.CONTAINER_EXITED);
    expect(status?.exitCode).not.toBe(0);
  });

  test("ExecSync answers with output and exit code, and leaves no process behind at its timeout", async () => {
    const { containerId } = await h.runPod();
    expect(await exec(containerId, "sh", "-c", "echo a; echo b >&2; exit 3")).toMatchObject({
      exitCode: 3,
      out: "a\n",
      err: "b\n",
    });
    const slow = h.cri.runtime.execSync({
      containerId,
      cmd: ["sh", "-c", "sleep 1234 & sleep 1235"],
      timeout: 1n,
    });
    await expect(slow).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
    expect((await exec(containerId, "ps")).out).not.toContain("sleep 123");
  });

  test("limits can be changed while it runs", async () => {
    const { containerId } = await h.runPod();
    await h.cri.runtime.updateContainerResources({
      containerId,
      linux: { cpuShares: 512n, memoryLimitInBytes: 64n << 20n },
    });
    const { status } = await h.cri.runtime.containerStatus({ containerId });
    expect(status?.resources?.linux).toMatchObject({
      cpuShares: 512n,
      memoryLimitInBytes: 64n << 20n,
    });
  });
});
