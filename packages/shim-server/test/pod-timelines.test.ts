import { describe, expect, test } from "@jest/globals";
import { createPodTimelines, type KnownPods } from "../src/telemetry/pod-timelines.js";

const nobody: KnownPods = { pod: () => undefined, container: () => undefined };

const metadata = (name: string) => ({ namespace: "ns", name, uid: `uid-${name}`, attempt: 0 });

/** A start of a pod with a container, as a kubelet asks for it. */
async function startPod(
  timelines: ReturnType<typeof createPodTimelines>,
  name: string,
): Promise<void> {
  const { call, begin } = timelines;
  await call("RunPodSandbox", { config: { metadata: metadata(name) } }, async () => {
    begin("docker containers.create")?.();
    begin("cni ADD")?.(new Error("no address"));
    return { message: { podSandboxId: `sandbox-${name}` } };
  });
  await call("PullImage", { sandboxConfig: { metadata: metadata(name) } }, async () => ({
    message: {},
  }));
  const config = { metadata: { name: "main" } };
  await call("CreateContainer", { podSandboxId: `sandbox-${name}`, config }, async () => ({
    message: { containerId: `container-${name}` },
  }));
  await call("StartContainer", { containerId: `container-${name}` }, async () => ({ message: {} }));
}

const callsOf = (timelines: ReturnType<typeof createPodTimelines>, reference: string) =>
  timelines.list(reference).flatMap(({ calls = [] }) => calls);

test("calls go to their pods, with what they ask of others", async () => {
  const timelines = createPodTimelines(nobody);
  await Promise.all([startPod(timelines, "a"), startPod(timelines, "b")]);
  expect(timelines.list("").map(({ name }) => name)).toEqual(["b", "a"]);
  expect(timelines.list("ns/a")).toMatchObject([
    {
      ...{ podSandboxId: "sandbox-a", namespace: "ns", name: "a", uid: "uid-a", forgotten: 0 },
      calls: [
        {
          method: "RunPodSandbox",
          container: "",
          error: "",
          spans: [
            { name: "docker containers.create", failed: false },
            { name: "cni ADD", failed: true },
          ],
        },
        { method: "PullImage", container: "", spans: [] },
        { method: "CreateContainer", container: "main" },
        { method: "StartContainer", container: "main" },
      ],
    },
  ]);
  expect(timelines.list("sandbox-b")).toHaveLength(1);
  expect(timelines.list("c")).toEqual([]);
});

test("a call that fails says why, and one that runs has no duration yet", async () => {
  const timelines = createPodTimelines(nobody);
  await startPod(timelines, "a");
  const running = Promise.withResolvers<{ message: object }>();
  const stop = timelines.call(
    "StopContainer",
    { containerId: "container-a" },
    () => running.promise,
  );
  expect(callsOf(timelines, "a").at(-1)).toMatchObject({ method: "StopContainer", duration: 0n });
  running.reject(new Error(`too late ${"x".repeat(1_000)}`));
  await expect(stop).rejects.toThrow("too late");
  const { duration = 0n, error = "" } = callsOf(timelines, "a").at(-1) ?? {};
  expect(duration > 0n).toBe(true);
  expect(error).toBe(`too late ${"x".repeat(191)}`);
});

test("pods and containers from before are known by the daemon's own records", async () => {
  const timelines = createPodTimelines({
    pod: (id) => (id === "old" ? metadata("old") : undefined),
    container: (id) => (id === "c" ? { sandboxId: "old", name: "main" } : undefined),
  });
  await timelines.call("StopContainer", { containerId: "c" }, async () => ({ message: {} }));
  await timelines.call("StopPodSandbox", { podSandboxId: "old" }, async () => ({ message: {} }));
  await timelines.call("StopPodSandbox", { podSandboxId: "other" }, async () => ({ message: {} }));
  expect(timelines.list("")).toMatchObject([
    { name: "old", calls: [{ method: "StopContainer", container: "main" }, { container: "" }] },
  ]);
});

test("what no call about a pod asks for is in no timeline", async () => {
  const timelines = createPodTimelines(nobody);
  expect(timelines.begin("docker containers.list")).toBeUndefined();
  await timelines.call("ListContainers", {}, async () => {
    expect(timelines.begin("docker containers.list")).toBeUndefined();
    return { message: {} };
  });
  expect(timelines.list("")).toEqual([]);
});

describe("in bounded memory", () => {
  test("the last thousand pods are kept", async () => {
    const timelines = createPodTimelines(nobody);
    for (let index = 0; index < 1_010; index += 1) await startPod(timelines, `p${index}`);
    expect(timelines.list("")).toHaveLength(1_000);
    expect(timelines.list("p9")).toEqual([]);
    expect(timelines.list("p10")).toHaveLength(1);
    expect(timelines.entries).toBe(6_000);
    // Its container is forgotten with it.
    await timelines.call("StopContainer", { containerId: "container-p9" }, async () => ({
      message: {},
    }));
    expect(timelines.list("p9")).toEqual([]);
  });

  test("of a pod whose container starts again and again the middle goes", async () => {
    const timelines = createPodTimelines(nobody);
    await startPod(timelines, "a");
    const start = { containerId: "container-a" };
    for (let index = 0; index < 100; index += 1) {
      await timelines.call("StartContainer", start, async () => ({ message: {} }));
    }
    expect(timelines.list("a")).toMatchObject([{ forgotten: 40 }]);
    expect(callsOf(timelines, "a")).toHaveLength(64);
    expect(callsOf(timelines, "a")[0]).toMatchObject({ method: "RunPodSandbox" });
    expect(timelines.entries).toBe(66);
  });

  test("a call has no more than 32 spans, and all pods 50,000 entries", async () => {
    const timelines = createPodTimelines(nobody);
    for (let pod = 0; pod < 40; pod += 1) {
      await startPod(timelines, `p${pod}`);
      for (let call = 0; call < 60; call += 1) {
        await timelines.call("StartContainer", { containerId: `container-p${pod}` }, async () => {
          for (let span = 0; span < 40; span += 1) timelines.begin("docker")?.();
          return { message: {} };
        });
      }
    }
    expect(callsOf(timelines, "p39").at(-1)?.spans).toHaveLength(32);
    expect(timelines.entries).toBeLessThanOrEqual(50_032);
    expect(timelines.list("p0")).toEqual([]);
  });

  test("containers that come and go, or only come, are forgotten", async () => {
    const timelines = createPodTimelines(nobody);
    await startPod(timelines, "a");
    const config = { metadata: { name: "main" } };
    const create = (id: string) =>
      timelines.call("CreateContainer", { podSandboxId: "sandbox-a", config }, async () => ({
        message: { containerId: id },
      }));
    await create("gone");
    await timelines.call("RemoveContainer", { containerId: "gone" }, async () => ({ message: {} }));
    expect(timelines.containers).toBe(1);
    for (let index = 0; index < 100; index += 1) await create(`c${index}`);
    expect(timelines.containers).toBe(64);
  });

  test("names that are none of Kubernetes' are not kept", async () => {
    const timelines = createPodTimelines(nobody);
    const long = { ...metadata("a"), name: "x".repeat(254) };
    await timelines.call("RunPodSandbox", { config: { metadata: long } }, async () => ({
      message: {},
    }));
    expect(timelines.list("")).toEqual([]);
  });
});
