import { labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startRealRuntime } from "./real-runtime.js";

// A pod's timeline, with a real Docker engine and CNI plugins.

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;

beforeAll(async () => {
  runtime = await startRealRuntime({
    "network-plugin": "cni",
    "cni-conf-dir": labVariable("LAB_CNI_CONF_DIR"),
    "cni-bin-dir": labVariable("LAB_CNI_BIN_DIR"),
  });
});
afterAll(() => runtime.close());

test("a pod's start and end are told after it is gone", async () => {
  const { podSandboxId } = await runtime.startPod("timed");
  await until(async () => (await runtime.dockershim("logs", "timed")).stdout === "out\n");
  const running = await runtime.dockershim("timeline", "timed");
  expect(running.stderr).toBe("");
  expect(running.stdout).toMatch(/ {2}RunPodSandbox +█/);
  expect(running.stdout).toMatch(/ {4}docker containers\.create/);
  expect(running.stdout).toMatch(/ {4}cni ADD +/);
  expect(running.stdout).toMatch(/ {4}cni ADD \w+/);
  expect(running.stdout).toMatch(/ {2}StartContainer main/);
  expect(running.stdout).toMatch(/ {2}first log line of main +◆/);

  await runtime.dockershim("stop", "timed", "--grace-period", "1s");
  await runtime.dockershim("rm", "timed");
  expect((await runtime.dockershim("pods", "-q", "--name", "timed")).stdout).toBe("");
  const { stdout } = await runtime.dockershim("timeline", podSandboxId.slice(0, 13), "-o", "json");
  const [pod] = JSON.parse(stdout).pods;
  const calls = pod.calls.map(({ method }: { method: string }) => method);
  expect(calls).toEqual([
    ...["RunPodSandbox", "CreateContainer", "StartContainer"],
    ...["StopContainer", "StopPodSandbox", "RemovePodSandbox"],
  ]);
  const stop = pod.calls.find(({ method }: { method: string }) => method === "StopPodSandbox");
  expect(stop.spans).toContainEqual(expect.objectContaining({ name: "cni DEL", failed: false }));
});
