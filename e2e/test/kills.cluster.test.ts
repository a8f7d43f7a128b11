/** A day of a small cluster, in minutes, while its daemon is killed with -9 every 20 s. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { until as untilAt } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { callEngine } from "../../lab/engine-api.ts";
import { daemonOf } from "../daemon.ts";
import { type Cluster, clusterFolder, down, up } from "../up-down.ts";
import { underKills } from "./daemon-kills.ts";
import { createKubectl, type Kubectl, type KubernetesObject } from "./kubectl.ts";

const config = labConfig({ ...process.env, LAB: process.env.LAB || "cluster-test" });
const folder = clusterFolder(config);
const rollouts = Number(process.env.KILL_ROLLOUTS || 12);
let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  cluster = await up(config);
  kubectl = createKubectl(cluster);
});
afterAll(() => down(config));

async function until(condition: () => Promise<boolean>): Promise<void> {
  await untilAt(condition, { everyMs: 500, deadlineMs: 300_000 });
}

/** A pod's spec with one container that runs a script. */
const podSpec = (script: string, more: KubernetesObject = {}): KubernetesObject => ({
  terminationGracePeriodSeconds: 2,
  ...more,
  containers: [
    {
      name: "main",
      image: cluster.lab.LAB_IMAGE,
      imagePullPolicy: "Never",
      command: ["sh", "-c", script],
    },
  ],
});

const labelled = (app: string, spec: KubernetesObject): KubernetesObject => ({
  metadata: { labels: { app } },
  spec,
});

async function nodeReady(): Promise<KubernetesObject> {
  const { items } = JSON.parse(await kubectl.ask("get", "nodes", "-o", "json"));
  return items[0].status.conditions.find(({ type }: KubernetesObject) => type === "Ready");
}

/** What the engine has of the cluster's pods, and the addresses that they have. */
async function left(): Promise<{ containers: number; addresses: string[] }> {
  const listed = JSON.parse(
    await callEngine(config.dockerSocket, { path: "/containers/json?all=1" }),
  );
  const dir = join(config.cniIpamDir, cluster.lab.LAB_BRIDGE);
  const addresses = readdirSync(dir).filter((name) => /^\d+\./.test(name));
  return { containers: listed.length, addresses };
}

/** Pods, rollouts and a job, each judged; in the end nothing is left of them. */
async function workOfADay(): Promise<string> {
  const { lastTransitionTime: readySince } = await nodeReady();

  await kubectl.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "steady" },
    spec: podSpec("i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done"),
  });
  await kubectl.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      template: labelled("web", podSpec("trap exit TERM; sleep 3600 & wait")),
    },
  });
  await kubectl.apply({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "work" },
    spec: {
      completions: 10,
      parallelism: 2,
      backoffLimit: 0,
      template: labelled("work", podSpec("sleep 2; echo done", { restartPolicy: "Never" })),
    },
  });
  await kubectl.ask("wait", "--for=condition=Ready", "--timeout=300s", "pod/steady");
  let execs = 0;
  for (let rollout = 0; rollout < rollouts; rollout++) {
    await kubectl.ask("rollout", "restart", "deployment/web");
    await kubectl.ask("rollout", "status", "deployment/web", "--timeout=300s");
    // One in the second in which there is no daemon fails, and the next does not.
    await until(async () => {
      const { code, stdout } = await kubectl.run(["exec", "steady", "--", "echo", "hello"]);
      if (code === 0) expect(stdout).toBe("hello\n");
      return code === 0;
    });
    execs++;
  }
  await kubectl.ask("wait", "--for=condition=Complete", "--timeout=300s", "job/work");
  const work = JSON.parse(await kubectl.ask("get", "job", "work", "-o", "json"));
  expect(work.status).toMatchObject({ succeeded: 10 });
  expect(work.status.failed ?? 0).toBe(0);

  const { status } = await kubectl.pod("steady");
  expect(status.containerStatuses[0].restartCount).toBe(0);
  let numbers: number[] = [];
  await until(async () => {
    const { code, stdout } = await kubectl.run(["logs", "steady"]);
    numbers = stdout.trimEnd().split("\n").map(Number);
    // Without a daemon a kubelet says so in the place of the log, and kubectl calls that well.
    return code === 0 && !stdout.startsWith("unable to retrieve container logs");
  });
  expect(numbers.length).toBeGreaterThan(50);
  expect(numbers).toEqual(numbers.map((_number, at) => at + 1));
  expect(await nodeReady()).toMatchObject({ status: "True", lastTransitionTime: readySince });

  await kubectl.ask("delete", "deployment/web", "job/work", "pod/steady", "--timeout=300s");
  await until(async () => {
    const { containers, addresses } = await left();
    return containers === 0 && addresses.length === 0;
  });
  return `${rollouts} rollouts, ${execs} execs, ${numbers.length} log lines`;
}

test("pods, rollouts and jobs come out as they were asked for while the daemon is killed every 20 s", async () => {
  const { kills, result } = await underKills(folder, daemonOf(folder, cluster.lab), workOfADay);
  console.info(`${kills} kills, ${result}`);
  expect(kills).toBeGreaterThan(2);
}, 3_600_000);
