import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Node } from "../node.ts";
import { logFile } from "../processes.ts";
import { isReady, metric, type Pod, podsOf, restartCounts } from "./kubelet-api.ts";
import { testGround, until } from "./node-under-test.ts";
import { createStaticPods, forever, type StaticPods } from "./static-pod.ts";

const ground = testGround();
const { folder } = ground;
let node: Node;
let pods: StaticPods;

beforeAll(async () => {
  node = await ground.node({ featureGates: { EventedPLEG: true }, longestRestartPause: "1s" });
  pods = createStaticPods(node.manifests, join(folder, "ran"), ground.lab.LAB_IMAGE);
  await node.startDaemon();
  await node.startKubelet();
  // The stream of events is there before the first pod is.
  await until(async () => (await metric(node, connections)) > 0);
});
afterAll(() => ground.clear(node));

const connections = "kubelet_evented_pleg_connection_success_count";

async function pod(name: string): Promise<Pod | undefined> {
  return (await podsOf(node)).get(name);
}

/** How often each container of the pod was started, by its own account. */
function runs(name: string, containers: readonly string[]): Record<string, number> {
  return Object.fromEntries(containers.map((item) => [item, pods.runs(name, item)]));
}

/** Waits until the kubelet, started anew, has looked after that many pods. */
function allSynced(count: number): Promise<void> {
  return until(async () => {
    const name = "kubelet_pod_worker_duration_seconds_count";
    const synced = await metric(node, name, /operation_type="(create|sync)"/).catch(() => 0);
    return synced >= count;
  });
}

/** A pod whose two init containers end at once, and whose container goes on. */
function addInitPod(name: string): void {
  pods.add({
    name,
    init: [
      { name: "first", script: "exit 0" },
      { name: "second", script: "exit 0" },
    ],
    containers: [{ name: "main", script: forever }],
  });
}
const onceEach = { first: 1, second: 1, main: 1 };
const neverAgain = { first: 0, second: 0, main: 0 };

test("init containers of new pods run once each", async () => {
  const names = ["init-0", "init-1", "init-2"];
  for (const name of names) addInitPod(name);
  for (const name of names) await until(async () => isReady(await pod(name)));
  for (const name of names) {
    expect(runs(name, Object.keys(onceEach))).toEqual(onceEach);
    expect(restartCounts(await pod(name))).toEqual(neverAgain);
  }
});

test("a sidecar starts once, before what comes after it, and a job's pod ends although it runs", async () => {
  const sidecar = { name: "sidecar", script: forever, restartPolicy: "Always" } as const;
  const init = [{ name: "before", script: "exit 0" }, sidecar, { name: "after", script: "exit 0" }];
  pods.add({ name: "sidecar", init, containers: [{ name: "main", script: forever }] });
  pods.add({
    name: "sidecar-job",
    init,
    containers: [{ name: "main", script: "exit 0" }],
    restartPolicy: "Never",
  });
  await until(async () => isReady(await pod("sidecar")));
  await until(async () => (await pod("sidecar-job"))?.status.phase === "Succeeded");
  const once = { before: 1, sidecar: 1, after: 1, main: 1 };
  const never = { before: 0, sidecar: 0, after: 0, main: 0 };
  for (const name of ["sidecar", "sidecar-job"]) {
    expect(runs(name, Object.keys(once))).toEqual(once);
    expect(restartCounts(await pod(name))).toEqual(never);
  }
});

test("jobs that take no time run once, and those that fail as often as they have to", async () => {
  const names = ["job-0", "job-1", "job-2"];
  for (const name of names) {
    pods.add({
      name,
      init: [{ name: "first", script: "exit 0" }],
      containers: [{ name: "main", script: "exit 0" }],
      restartPolicy: "Never",
    });
  }
  pods.add({
    name: "third-time",
    init: [{ name: "first", script: '[ "$(wc -c </ran/third-time.first)" -eq 3 ]' }],
    containers: [{ name: "main", script: '[ "$(wc -c </ran/third-time.main)" -eq 3 ]' }],
    restartPolicy: "OnFailure",
  });
  for (const name of [...names, "third-time"]) {
    await until(async () => (await pod(name))?.status.phase === "Succeeded");
  }
  for (const name of names) {
    expect(runs(name, ["first", "main"])).toEqual({ first: 1, main: 1 });
    expect(restartCounts(await pod(name))).toEqual({ first: 0, main: 0 });
  }
  expect(runs("third-time", ["first", "main"])).toEqual({ first: 3, main: 3 });
  expect(restartCounts(await pod("third-time"))).toEqual({ first: 2, main: 2 });
});

test("a container that crashes again and again is counted as often as it ran", async () => {
  pods.add({
    name: "crash",
    init: [{ name: "first", script: "exit 0" }],
    containers: [{ name: "main", script: "exit 1" }],
  });
  await until(async () => {
    const ran = pods.runs("crash", "main");
    return ran >= 6 && restartCounts(await pod("crash")).main === ran - 1;
  });
  pods.remove("crash");
  await until(async () => (await pod("crash")) === undefined);
  expect(pods.runs("crash", "first")).toBe(1);
  expect(readFileSync(logFile(folder, "dockershim"), "utf8")).not.toContain("already in use");
  expect(readFileSync(logFile(folder, "kubelet"), "utf8")).not.toContain("already in use");
});

test("neither a new kubelet nor a new daemon runs anything again, whether it was stopped or killed", async () => {
  addInitPod("restarts");
  await until(async () => isReady(await pod("restarts")));
  for (const graceMs of [10_000, 0]) {
    await node.end("kubelet", graceMs);
    await node.startKubelet();
    await allSynced((await podsOf(node)).size);
    await node.end("dockershim", graceMs);
    await node.startDaemon();
    const canary = `canary-${graceMs}`;
    addInitPod(canary);
    await until(async () => isReady(await pod(canary)));
    for (const name of ["init-0", "restarts", canary]) {
      expect(runs(name, Object.keys(onceEach))).toEqual(onceEach);
      expect(restartCounts(await pod(name))).toEqual(neverAgain);
    }
    expect(runs("job-0", ["first", "main"])).toEqual({ first: 1, main: 1 });
    expect(pods.runs("sidecar", "sidecar")).toBe(1);
  }
});

test.each(["kubelet", "dockershim"] as const)(
  "an init container that runs while the %s is killed is not run again",
  async (program) => {
    const name = `killed-${program}`;
    const go = join(folder, "ran", `${name}.go`);
    rmSync(go, { force: true });
    pods.add({
      name,
      init: [
        { name: "first", script: "exit 0" },
        { name: "second", script: `until [ -e /ran/${name}.go ]; do sleep 0.1; done` },
      ],
      containers: [{ name: "main", script: forever }],
    });
    await until(() => pods.runs(name, "second") === 1);
    await node.end(program, 0);
    writeFileSync(go, "");
    if (program === "kubelet") await node.startKubelet();
    else await node.startDaemon();
    await until(async () => isReady(await pod(name)));
    expect(runs(name, Object.keys(onceEach))).toEqual(onceEach);
    expect(restartCounts(await pod(name))).toEqual(neverAgain);
  },
);
