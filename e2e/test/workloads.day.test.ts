/**
 * A day on a cluster: what is deployed in the morning goes on through everything that is done after it. Nothing is
 * lost, nothing runs twice, and no container starts again that need not; each test builds upon those before. What
 * single features do is in features.cluster.test.ts.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCriClient } from "@dockershim/cri-client";
import { until as untilAt } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { labConfig } from "../../lab/config.ts";
import { clearRemains } from "../../lab/engine-remains.ts";
import { serveImage } from "../../lab/images.ts";
import { translatesAddresses } from "../../lab/network.ts";
import { freePort } from "../../lab/ports.ts";
import { type EngineEnd, endEngine, restartEngine, setLiveRestore } from "../../lab/restart.ts";
import { agnhostImage, installImageTools } from "../images.ts";
import { kubernetesPrograms } from "../programs.ts";
import { type Cluster, down, up } from "../up-down.ts";
import { createKubectl, type Kubectl, type KubernetesObject } from "./kubectl.ts";
import { logFileCount, rotatedLines } from "./rotated-log.ts";
import { type ContainerRecord, createWitness, type Witness } from "./witness.ts";
import { countingJob, forever, noting, pod, webDeployment } from "./workloads.ts";

const config = labConfig({
  ...process.env,
  LAB: process.env.LAB || "day",
  DOCKER: process.env.DOCKER || "28",
  LAB_LOOKALIKES: "1",
});
/** What hangs is ended after that time. */
const limitMs = 240_000 * Number(process.env.TEST_PATIENCE || 1);
/** The CNI plugin leads a port of the node to a pod by NAT. */
const nat = await translatesAddresses();
const waitLimit = `--timeout=${Math.round(limitMs / 1000)}s`;
let cluster: Cluster;
let kubectl: Kubectl;
let witness: Witness;

beforeAll(async () => {
  const logRotation = { maxSize: "1Mi", maxFiles: 500 };
  cluster = await up(config, { logRotation, longestRestartPause: "1s" });
  await installImageTools();
  const { agnhost } = await kubernetesPrograms(config, ["agnhost"]);
  await serveImage(config, agnhostImage(cluster.lab.LAB_REGISTRY, agnhost));
  kubectl = createKubectl(cluster);
  witness = createWitness(kubectl, join(config.runDir, "noted"));
  await setLiveRestore(config, true);
});
afterAll(() => down(config));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await untilAt(condition, { everyMs: 200, deadlineMs: limitMs });
}

async function ready(name: string): Promise<KubernetesObject> {
  await kubectl.ask("wait", "--for=condition=Ready", waitLimit, `pod/${name}`);
  return kubectl.pod(name);
}

async function podsOf(app: string): Promise<KubernetesObject[]> {
  const { items } = JSON.parse(await kubectl.ask("get", "pods", "-l", `app=${app}`, "-o", "json"));
  return items;
}

const namesOf = (pods: readonly KubernetesObject[]): string[] =>
  pods.map(({ metadata }) => metadata.name).sort();

async function rolledOut(): Promise<string[]> {
  await kubectl.ask("rollout", "status", "deployment/web", waitLimit);
  // Those that were replaced are not counted by it until they are gone.
  await until(async () => (await podsOf("web")).length === 2);
  return namesOf(await podsOf("web"));
}

/** What the pods of that deployment noted, once each for every one that is ready. */
const morning = ["health", "postStart", "setup", "sidecar", "web"];

async function responds(url: string): Promise<string> {
  return (await fetch(url, { signal: AbortSignal.timeout(60_000) })).text();
}

/** The folder of a container's logs. */
async function logFolder(podName: string, container: string): Promise<string> {
  const { metadata } = await kubectl.pod(podName);
  const logs = join(config.runDir, "cluster/kubelet/pod-logs");
  return join(logs, `default_${podName}_${metadata.uid}`, container);
}

/** A sum of samples in the kubelet's own figures. */
async function kubeletFigure(name: string, labels = ""): Promise<number> {
  const said = await kubectl.run(["get", "--raw", "/api/v1/nodes/node1/proxy/metrics"]);
  return said.stdout
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

/** Waits until the kubelet has looked at all of the runtime's pods several times more. */
async function looksAgain(): Promise<void> {
  const relists = (): Promise<number> =>
    kubeletFigure("kubelet_pleg_relist_duration_seconds_count");
  const before = await relists();
  // A kubelet that was started anew counts from nothing.
  await until(async () => {
    const now = await relists();
    return now > before + 3 || (now > 3 && now < before);
  });
}

/** The sandboxes that the runtime has, by their pods' names. */
async function sandboxes(): Promise<string[]> {
  const cri = createCriClient({ endpoint: cluster.node.endpoint, timeoutMs: limitMs });
  const { items } = await cri.runtime.listPodSandbox({});
  cri.close();
  return items.map(({ metadata }) => metadata?.name ?? "").sort();
}

describe("in the morning", () => {
  test("a deployment starts, with an init container, a sidecar, probes of every kind and hooks", async () => {
    await kubectl.apply(webDeployment(witness));
    for (const name of await rolledOut()) {
      expect(witness.all(name)).toEqual(morning);
      const { status } = await kubectl.pod(name);
      expect(await responds(`http://${status.podIP}:8080/hostname`)).toBe(name);
    }
    for (const { restarts } of Object.values(await witness.containers())) expect(restarts).toBe(0);
  });

  test("it is rolled out and rolled back, and what was replaced is gone, its last hook run once", async () => {
    let before = await rolledOut();
    for (const change of [
      ["set", "env", "deployment/web", "-c", "web", "VERSION=2"],
      ["rollout", "undo", "deployment/web"],
    ]) {
      await kubectl.ask(...change);
      await until(async () =>
        (await podsOf("web")).some((each) => !before.includes(each.metadata.name)),
      );
      const after = await rolledOut();
      for (const name of before) {
        expect(after).not.toContain(name);
        expect(witness.all(name)).toEqual([...morning, "preStop"].sort());
      }
      for (const name of after) expect(witness.all(name)).toEqual(morning);
      await until(async () => `${await sandboxes()}` === `${after}`);
      before = after;
    }
    const say = ["--", "sh", "-c", "echo $VERSION"];
    const [name = ""] = before;
    expect(await kubectl.ask("exec", name, "-c", "web", ...say)).toBe("1\n");
  });

  test("a pod writes a line ten times a second until the evening", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done";
    await kubectl.apply(pod(witness, "ticker", { containers: [noting(witness, "main", script)] }));
    await ready("ticker");
  });

  test("static pods come and go with their files", async () => {
    const manifest = (name: string): string => join(cluster.node.manifests, `${name}.json`);
    for (const name of ["static", "static-gone"]) {
      const containers = [noting(witness, "main", forever)];
      writeFileSync(manifest(name), JSON.stringify(pod(witness, name, { containers })));
    }
    for (const name of ["static", "static-gone"]) {
      await until(async () => (await kubectl.run(["get", "pod", `${name}-node1`])).code === 0);
      await ready(`${name}-node1`);
    }
    rmSync(manifest("static-gone"));
    await until(async () => (await kubectl.run(["get", "pod", "static-gone-node1"])).code !== 0);
    await until(async () => !(await sandboxes()).includes("static-gone-node1"));
    expect(witness.noted("static-node1", "main")).toBe(1);
    expect(witness.noted("static-gone-node1", "main")).toBe(1);
  });

  const serve = (port: number): string => `exec /agnhost netexec --http-port=${port} --udp-port=-1`;
  let mapped: number;

  test("a pod starts that a port of the node is to lead to", async () => {
    mapped = await freePort(cluster.node.address);
    const ports = [{ containerPort: 8080, hostPort: mapped }];
    await kubectl.apply(
      pod(witness, "host-port", {
        containers: [noting(witness, "main", serve(8080), { ports })],
      }),
    );
    await ready("host-port");
  });

  (nat ? test : test.skip)(`that port leads to it${nat ? "" : " (no NAT here)"}`, async () => {
    const { address } = cluster.node;
    expect(await responds(`http://${address}:${mapped}/hostname`)).toBe("host-port");
  });

  test("a pod of the node's own network takes a port of the node", async () => {
    const { address } = cluster.node;
    const port = await freePort(address);
    await kubectl.apply(
      pod(witness, "host-network", {
        hostNetwork: true,
        containers: [noting(witness, "main", serve(port))],
      }),
    );
    const { status } = await ready("host-network");
    expect(status.podIP).toBe(address);
    await until(
      async () => (await responds(`http://${address}:${port}/healthz`).catch(() => "-")) !== "-",
    );
  });

  test("a projected volume shows a config map, a secret, the pod's name and a token, and follows changes", async () => {
    await kubectl.ask("create", "configmap", "settings", "--from-literal=colour=blue");
    await kubectl.ask("create", "secret", "generic", "words", "--from-literal=pass=sesame");
    const sources = [
      { configMap: { name: "settings" } },
      { secret: { name: "words" } },
      { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
      { serviceAccountToken: { path: "token" } },
    ];
    await kubectl.apply(
      pod(witness, "projected", {
        volumes: [{ name: "all", projected: { sources } }],
        containers: [
          noting(witness, "main", forever, { volumeMounts: [{ name: "all", mountPath: "/all" }] }),
        ],
      }),
    );
    await ready("projected");
    const read = (file: string): Promise<string> =>
      kubectl.ask("exec", "projected", "--", "cat", `/all/${file}`);
    expect(await read("colour")).toBe("blue");
    expect(await read("pass")).toBe("sesame");
    expect(await read("name")).toBe("projected");
    expect((await read("token")).split(".")).toHaveLength(3);
    const patch = JSON.stringify({ data: { colour: "green" } });
    await kubectl.ask("patch", "configmap", "settings", "-p", patch);
    // The kubelet looks at a pod that changes at once, and else within its period.
    await kubectl.ask("annotate", "pod", "projected", "looked=at");
    await until(async () => (await read("colour")) === "green");
    expect(witness.noted("projected", "main")).toBe(1);
  });
});

describe("at work", () => {
  test("files are copied into a pod and out of it", async () => {
    const [name] = namesOf(await podsOf("web"));
    const [sent, received] = [join(config.runDir, "sent"), join(config.runDir, "received")];
    const bytes = randomBytes(5 << 20);
    writeFileSync(sent, bytes);
    await kubectl.ask("cp", sent, `${name}:/tmp/copied`, "-c", "web");
    await kubectl.ask("cp", `${name}:/tmp/copied`, received, "-c", "web");
    expect(readFileSync(received).equals(bytes)).toBe(true);
  });

  test("a log that is written at full speed is rotated, and no line of it is lost or there twice", async () => {
    const [first, last] = [1_000_000, 1_499_999];
    const script = `seq ${first} ${last}; echo done; ${forever}`;
    await kubectl.apply(pod(witness, "chatty", { containers: [noting(witness, "main", script)] }));
    await ready("chatty");
    const folder = await logFolder("chatty", "main");
    await until(() => rotatedLines(folder).at(-1) === "done");
    await until(() => logFileCount(folder) > 1);
    const lines = rotatedLines(folder);
    const expected = Array.from({ length: last - first + 1 }, (_, index) => `${first + index}`);
    expect(lines.length).toBe(expected.length + 1);
    expect(lines.findIndex((line, index) => line !== (expected[index] ?? "done"))).toBe(-1);
  });

  test("a container that takes too much memory is killed and started again, and its neighbour is not", async () => {
    const script = `[ $(wc -c </noted/$POD.main) -gt 1 ] || exec dd if=/dev/zero of=/dev/null bs=200M count=1; ${forever}`;
    await kubectl.apply(
      pod(witness, "hungry", {
        containers: [
          noting(witness, "main", script, { resources: { limits: { memory: "48Mi" } } }),
          noting(witness, "neighbour", forever),
        ],
      }),
    );
    await until(async () => {
      const { status } = await kubectl.pod("hungry");
      const main = status.containerStatuses?.find((each: KubernetesObject) => each.name === "main");
      return main?.restartCount === 1 && main.ready;
    });
    const { status } = await kubectl.pod("hungry");
    const [main, neighbour] = status.containerStatuses;
    expect(main.lastState.terminated).toMatchObject({ reason: "OOMKilled", exitCode: 137 });
    expect(neighbour.restartCount).toBe(0);
    expect(witness.all("hungry")).toEqual(["main", "main", "neighbour"]);
  });

  test("a pod that writes more than it may is evicted, and leaves nothing in the runtime", async () => {
    // It does not end by itself: the kubelet calls a pod whose containers end well succeeded, evicted or not.
    const script = "dd if=/dev/zero of=/filled bs=1M count=40; exec sleep 100000";
    await kubectl.apply(
      pod(witness, "greedy", {
        containers: [
          noting(witness, "main", script, {
            resources: { limits: { "ephemeral-storage": "10Mi" } },
          }),
        ],
      }),
    );
    await until(async () => (await kubectl.pod("greedy")).status.phase === "Failed");
    const { status } = await kubectl.pod("greedy");
    expect(status.reason).toBe("Evicted");
    expect(status.message).toContain("ephemeral");
    expect(witness.noted("greedy", "main")).toBe(1);
    await kubectl.ask("delete", "pod", "greedy", "--wait");
    await until(async () => !(await sandboxes()).includes("greedy"));
  });

  test("a job runs each of its indexes once, and again what failed", async () => {
    await kubectl.apply(countingJob(witness));
    await kubectl.ask("wait", "--for=condition=Complete", waitLimit, "job/count");
    expect(["0", "1", "2", "3"].map((index) => witness.noted("count", index))).toEqual([
      1, 1, 2, 1,
    ]);
    await kubectl.ask("delete", "job", "count", "--wait");
    await until(async () => !(await sandboxes()).some((name) => name.startsWith("count-")));
  });
});

describe("what runs goes on, and nothing starts again, while", () => {
  let before: Record<string, ContainerRecord>;
  beforeAll(async () => {
    before = await witness.containers();
    expect(Object.keys(before).length).toBeGreaterThan(14);
  });

  async function expectNothingHappened(): Promise<void> {
    await looksAgain();
    await kubectl.ask("wait", "--for=condition=Ready", waitLimit, "node/node1");
    const running = "--field-selector=status.phase=Running";
    await kubectl.ask("wait", "--for=condition=Ready", waitLimit, "pod", "--all", running);
    expect(await witness.containers()).toEqual(before);
    const [name = ""] = namesOf(await podsOf("web"));
    expect(await kubectl.ask("exec", name, "-c", "web", "--", "echo", "works")).toBe("works\n");
    const { status } = await kubectl.pod(name);
    expect(await responds(`http://${status.podIP}:8080/hostname`)).toBe(name);
  }

  test.each([
    ["told to end", 10_000],
    ["killed", 0],
  ])("the kubelet is %s and started again", async (_, graceMs) => {
    await cluster.node.end("kubelet", graceMs);
    await cluster.node.startKubelet();
    const pods = new Set(Object.values(before).map((each) => each.pod)).size;
    const name = "kubelet_pod_worker_duration_seconds_count";
    await until(async () => (await kubeletFigure(name, 'operation_type="sync"')) >= pods);
    await expectNothingHappened();
  });

  test.each([
    ["told to end, as for an update,", 10_000],
    ["killed", 0],
  ])("the daemon is %s and started again", async (_, graceMs) => {
    await cluster.node.end("dockershim", graceMs);
    await cluster.node.startDaemon();
    await expectNothingHappened();
  });

  test.each<EngineEnd>(["stopped", "killed"])(
    "Docker is %s and started again with live-restore",
    async (how) => {
      await endEngine(config, how);
      await restartEngine(config, { liveRestore: true });
      await expectNothingHappened();
    },
  );

  test("all three are killed, and the daemon is started before Docker is", async () => {
    await Promise.all([cluster.node.end("kubelet", 0), cluster.node.end("dockershim", 0)]);
    await endEngine(config, "killed");
    const daemon = cluster.node.startDaemon();
    await restartEngine(config, { liveRestore: true });
    await daemon;
    await cluster.node.startKubelet();
    await expectNothingHappened();
  });

  test("a pod's log has every line once through all of that", async () => {
    const folder = await logFolder("ticker", "main");
    const seen = rotatedLines(folder).length;
    await until(() => rotatedLines(folder).length > seen + 10);
    const lines = rotatedLines(folder);
    expect(lines.findIndex((line, index) => line !== `${index + 1}`)).toBe(-1);
  });
});

describe("each container starts again once, in its pod, when", () => {
  beforeAll(() => setLiveRestore(config, false));

  async function expectEachAgain(before: Record<string, ContainerRecord>): Promise<void> {
    const goesOn = Object.entries(before).filter(([name]) => !name.endsWith("/setup"));
    await until(async () => {
      const now = await witness.containers();
      return goesOn.every(([name, { id }]) => now[name] !== undefined && now[name].id !== id);
    });
    await kubectl.ask("wait", "--for=condition=Ready", waitLimit, "pod", "--all");
    await looksAgain();
    const after = await witness.containers();
    for (const [name, { pod: uid, restarts, runs }] of Object.entries(before)) {
      expect([name, after[name]?.pod, after[name]?.runs]).toEqual([name, uid, runs + 1]);
      expect([name, after[name]?.restarts]).toEqual([name, restarts + 1]);
    }
  }

  test("Docker is stopped without live-restore, which takes its containers down, and started again", async () => {
    const before = await witness.containers();
    await endEngine(config, "stopped");
    await restartEngine(config);
    await expectEachAgain(before);
  });

  test("all that runs on the node ends at once, as when its power is cut", async () => {
    const before = await witness.containers();
    await Promise.all([cluster.node.end("kubelet", 0), cluster.node.end("dockershim", 0)]);
    await endEngine(config, "killed");
    await clearRemains(config);
    await restartEngine(config);
    await cluster.node.startDaemon();
    await cluster.node.startKubelet();
    await expectEachAgain(before);
  });
});

test("in the evening all is deleted, and nothing is left in the runtime", async () => {
  rmSync(join(cluster.node.manifests, "static.json"));
  await kubectl.ask("delete", "deployment", "web", "--wait");
  await kubectl.ask("delete", "pod", "--all", "--wait", waitLimit);
  await until(async () => (await sandboxes()).length === 0);
  const cri = createCriClient({ endpoint: cluster.node.endpoint, timeoutMs: limitMs });
  const { containers } = await cri.runtime.listContainers({});
  cri.close();
  expect(containers).toEqual([]);
});
