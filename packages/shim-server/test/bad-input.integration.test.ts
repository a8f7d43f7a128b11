import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createHarness, type Harness } from "./harness.js";

describe("bad input on a real engine", () => {
  let h: Harness;
  beforeAll(async () => {
    h = await createHarness();
  });
  afterAll(() => h.close());

  async function refused(call: Promise<unknown>, code: string, words: string): Promise<void> {
    const before = await h.dockerIds();
    await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
    expect(await h.dockerIds()).toEqual(before);
  }

  test.each<[string, object, string]>([
    ["no config", {}, "config"],
    ["no metadata", { config: {} }, "config.metadata"],
    ["an empty name", { config: { metadata: { name: "" } } }, "config.metadata.name"],
    [
      "a name of 300 characters",
      { config: { metadata: { name: "x".repeat(300), namespace: "n", uid: "u" } } },
      "config.metadata.name",
    ],
    [
      "an unknown runtime handler",
      { config: { metadata: { name: "p", namespace: "n", uid: "u" } }, runtimeHandler: "nope" },
      "nope",
    ],
  ])("RunPodSandbox with %s names the field and makes nothing", async (_what, request, field) => {
    await refused(h.cri.runtime.runPodSandbox(request), "INVALID_ARGUMENT", field);
  });

  test.each<[string, object, string]>([
    ["no metadata", { metadata: undefined }, "config.metadata"],
    ["a relative mount", { mounts: [{ hostPath: "/tmp", containerPath: "x" }] }, "mounts[0]"],
    ["a negative limit", { linux: { resources: { cpuShares: -1n } } }, "cpu_shares"],
    ["a log path that climbs out", { logPath: "../../etc/cron.d/x" }, "log_path"],
  ])("CreateContainer with %s names the field and makes nothing", async (_what, change, field) => {
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const call = h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig(change),
    });
    await refused(call, "INVALID_ARGUMENT", field);
  });

  test("an image that is not there is NOT_FOUND", async () => {
    const config = h.sandboxConfig();
    const { podSandboxId } = await h.cri.runtime.runPodSandbox({ config });
    const call = h.cri.runtime.createContainer({
      podSandboxId,
      sandboxConfig: config,
      config: h.containerConfig({ image: { image: "no/such:image" } }),
    });
    await refused(call, "NOT_FOUND", "no/such:image");
  });

  test("unknown ids are NOT_FOUND, empty ones INVALID_ARGUMENT", async () => {
    const id = "e".repeat(64);
    await refused(h.cri.runtime.podSandboxStatus({ podSandboxId: id }), "NOT_FOUND", id);
    await refused(h.cri.runtime.containerStatus({ containerId: id }), "NOT_FOUND", id);
    await refused(h.cri.runtime.startContainer({ containerId: id }), "NOT_FOUND", id);
    await refused(h.cri.runtime.execSync({ containerId: id, cmd: ["x"] }), "NOT_FOUND", id);
    await refused(h.cri.runtime.containerStatus({}), "INVALID_ARGUMENT", "container_id");
    await refused(h.cri.runtime.podSandboxStatus({}), "INVALID_ARGUMENT", "pod_sandbox_id");
    await refused(
      h.cri.runtime.createContainer({
        podSandboxId: id,
        sandboxConfig: h.sandboxConfig(),
        config: h.containerConfig(),
      }),
      "NOT_FOUND",
      id,
    );
  });

  test("a container that does not run takes no exec", async () => {
    const { containerId } = await h.runPod();
    await h.cri.runtime.stopContainer({ containerId, timeout: 0n });
    const call = h.cri.runtime.execSync({ containerId, cmd: ["true"] });
    await refused(call, "FAILED_PRECONDITION", "exited");
  });
});

test("without an engine calls are UNAVAILABLE with the reason, and Status says so", async () => {
  const { mkdtempSync, rmSync } = await import("node:fs");
  const { startShim } = await import("../src/index.js");
  const { createCriClient } = await import("@dockershim/cri-client");
  const { pino } = await import("pino");
  const dir = mkdtempSync("/tmp/shim-down-");
  const shim = await startShim(
    {
      listen: `unix://${dir}/s.sock`,
      rootDir: `${dir}/root`,
      dockerEndpoint: `unix://${dir}/no.sock`,
      networkPlugin: "none",
    },
    pino({ level: "silent" }),
  );
  const cri = createCriClient({ endpoint: shim.endpoint });
  try {
    await expect(cri.runtime.listContainers({})).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("no.sock"),
    });
    const { status } = await cri.runtime.status({});
    const ready = status?.conditions.find(({ type }) => type === "RuntimeReady");
    expect(ready).toMatchObject({ status: false, reason: "DockerEngineUnreachable" });
  } finally {
    cri.close();
    await shim.close();
    rmSync(dir, { recursive: true });
  }
});
