/** Features of Kubernetes as a user of a cluster meets them; docs/kubernetes.md has the table. */
import { mkdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { until as untilAt } from "@dockershim/testing";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { command } from "../../lab/command.ts";
import { labConfig } from "../../lab/config.ts";
import { type Cluster, down, up } from "../up-down.ts";
import { cdiFolder, startDraDriver } from "./dra-driver.ts";
import { createKubectl, type Kubectl, type KubernetesObject } from "./kubectl.ts";

const config = labConfig({
  ...process.env,
  LAB: process.env.LAB || "cluster-test",
  LAB_LOOKALIKES: "1",
});
let cluster: Cluster;
let kubectl: Kubectl;

beforeAll(async () => {
  // Off by default in 1.37.
  cluster = await up(config, { featureGates: { ContainerStopSignals: true } });
  kubectl = createKubectl(cluster);
});
afterAll(() => down(config));

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  await untilAt(condition, { everyMs: 200, deadlineMs: 100_000 });
}

const forever = ["sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait"];

/** A pod with one container, "main", that sleeps unless told otherwise. */
async function runPod(
  name: string,
  spec: KubernetesObject = {},
  container: KubernetesObject = {},
): Promise<void> {
  await kubectl.apply({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{ ...plain("main"), ...container }],
      ...spec,
    },
  });
}

const plain = (name: string): KubernetesObject => ({
  name,
  image: cluster.lab.LAB_IMAGE,
  imagePullPolicy: "Never",
  command: forever,
});

async function ready(name: string): Promise<KubernetesObject> {
  await kubectl.ask("wait", "--for=condition=Ready", "--timeout=100s", `pod/${name}`);
  return kubectl.pod(name);
}

/** Waits until the pod's container is told why it does not start. */
async function waitsBecause(name: string, reason: RegExp): Promise<void> {
  await until(async () => {
    const [main] = (await kubectl.pod(name)).status.containerStatuses ?? [];
    return reason.test(main?.state.waiting?.message ?? "");
  });
}

/** The major version of Docker Engine. */
const docker = Number(config.engine);

async function inPod(name: string, script: string): Promise<string> {
  return kubectl.ask("exec", name, "-c", "main", "--", "sh", "-c", script);
}

/** The limits of the container's own cgroup, v1 or v2. */
const limits =
  "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null ||" +
  " cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max";

describe("resources", () => {
  test("of a container are resized in place", async () => {
    const of = (cpu: string, memory: string) => ({
      requests: { cpu: "50m", memory: "32Mi" },
      limits: { cpu, memory },
    });
    await runPod("resized", {}, { resources: of("200m", "64Mi") });
    await ready("resized");
    expect(await inPod("resized", limits)).toMatch(/^67108864\s+20000\b/);
    const patch = { spec: { containers: [{ name: "main", resources: of("300m", "96Mi") }] } };
    const args = ["--subresource=resize", "-p", JSON.stringify(patch)];
    await kubectl.ask("patch", "pod", "resized", ...args);
    await until(async () => /^100663296\s+30000\b/.test(await inPod("resized", limits)));
    await until(async () => {
      const { status } = await kubectl.pod("resized");
      const [main] = status.containerStatuses;
      return main.resources.limits.cpu === "300m" && main.resources.limits.memory === "96Mi";
    });
    const { status } = await kubectl.pod("resized");
    expect(status.containerStatuses[0].restartCount).toBe(0);
  });

  test("of a pod bound all its containers, and are resized in place", async () => {
    const of = (memory: string) => ({
      limits: { cpu: "500m", memory },
      requests: { cpu: "100m", memory: "32Mi" },
    });
    await runPod("pod-level", {
      resources: of("128Mi"),
      containers: [plain("main"), plain("other")],
    });
    await ready("pod-level");
    const podLimit = async (): Promise<string> => {
      const { metadata } = await kubectl.pod("pod-level");
      // systemd's driver makes a slice, in whose name a dash parts it from those above.
      const slice = `pod${metadata.uid.replaceAll("-", "_")}.slice`;
      const files = [`pod${metadata.uid}/memory.limit_in_bytes`, `${slice}/memory.max`];
      const paths = files.map((file) => `-path '*${file}'`).join(" -o ");
      return (await command("sh", ["-c", `cat $(find /sys/fs/cgroup ${paths})`])).trim();
    };
    expect(await podLimit()).toBe("134217728");
    const args = [
      "--subresource=resize",
      "-p",
      JSON.stringify({ spec: { resources: of("160Mi") } }),
    ];
    await kubectl.ask("patch", "pod", "pod-level", ...args);
    await until(async () => (await podLimit()) === "167772160");
    await until(async () => {
      const { status } = await kubectl.pod("pod-level");
      return status.resources?.limits?.memory === "160Mi";
    });
    const { status } = await kubectl.pod("pod-level");
    expect(status.containerStatuses.map((each: KubernetesObject) => each.restartCount)).toEqual([
      0, 0,
    ]);
  });
});

describe("volumes", () => {
  test("of an image show its files, read-only", async () => {
    const image = cluster.lab.LAB_REGISTRY_IMAGE;
    await runPod(
      "image-volume",
      { volumes: [{ name: "files", image: { reference: image, pullPolicy: "IfNotPresent" } }] },
      { volumeMounts: [{ name: "files", mountPath: "/files" }] },
    );
    if (docker < 28) return waitsBecause("image-volume", /image volumes need Docker 28/);
    await ready("image-volume");
    expect(await inPod("image-volume", "ls /files/bin/busybox")).toBe("/files/bin/busybox\n");
    await expect(inPod("image-volume", "touch /files/new")).rejects.toThrow(/Read-only/);
  });

  test("are read-only with all that is mounted in them where that is asked for", async () => {
    const path = join(config.runDir, "recursive");
    mkdirSync(join(path, "sub"), { recursive: true });
    await command("mount", ["-t", "tmpfs", "sub", join(path, "sub")]);
    try {
      await runPod(
        "recursive",
        { volumes: [{ name: "host", hostPath: { path } }] },
        {
          volumeMounts: [
            { name: "host", mountPath: "/deep", readOnly: true, recursiveReadOnly: "Enabled" },
            { name: "host", mountPath: "/flat", readOnly: true },
          ],
        },
      );
      if (docker < 25) return await waitsBecause("recursive", /not supported by the runtime/);
      const { status } = await ready("recursive");
      await inPod("recursive", "touch /flat/sub/written");
      await expect(inPod("recursive", "touch /deep/sub/new")).rejects.toThrow(/Read-only/);
      const mounts = status.containerStatuses[0].volumeMounts;
      const deep = mounts.find(({ mountPath }: KubernetesObject) => mountPath === "/deep");
      expect(deep.recursiveReadOnly).toBe("Enabled");
    } finally {
      await kubectl.ask("delete", "pod", "recursive", "--wait");
      await command("umount", [join(path, "sub")]);
    }
  });
});

describe("processes", () => {
  test("are stopped by the signal that the pod names", async () => {
    const script =
      "trap 'echo got USR1; exit 0' USR1; trap 'echo got TERM; exit 1' TERM; while :; do sleep 0.1; done";
    await runPod(
      "stop-signal",
      { os: { name: "linux" }, terminationGracePeriodSeconds: 60 },
      { command: ["sh", "-c", script], lifecycle: { stopSignal: "SIGUSR1" } },
    );
    const { status } = await ready("stop-signal");
    expect(status.containerStatuses[0].stopSignal).toBe("SIGUSR1");
    const follower = kubectl.start("logs", "-f", "stop-signal");
    const log = text(follower.stdout as NodeJS.ReadableStream);
    await kubectl.ask("delete", "pod", "stop-signal", "--wait");
    expect(await log).toBe("got USR1\n");
  });

  test("start again by the rules of their container", async () => {
    const script = "[ -e /state/again ] && exit 0; touch /state/again; exit 42";
    await runPod(
      "restart-rules",
      { restartPolicy: "Never", volumes: [{ name: "state", emptyDir: {} }] },
      {
        command: ["sh", "-c", script],
        volumeMounts: [{ name: "state", mountPath: "/state" }],
        restartPolicy: "Never",
        restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
      },
    );
    await until(async () => (await kubectl.pod("restart-rules")).status.phase === "Succeeded");
    const { status } = await kubectl.pod("restart-rules");
    expect(status.containerStatuses[0].restartCount).toBe(1);
  });

  test("start again with all their pod's containers where a rule says so", async () => {
    const script = "[ -e /state/again ] && exit 0; touch /state/again; exit 42";
    await runPod("restart-all", {
      restartPolicy: "Never",
      volumes: [{ name: "state", emptyDir: {} }],
      initContainers: [
        {
          ...plain("init"),
          command: ["sh", "-c", "echo >>/state/inits"],
          volumeMounts: [{ name: "state", mountPath: "/state" }],
        },
      ],
      containers: [
        {
          ...plain("main"),
          command: ["sh", "-c", script],
          volumeMounts: [{ name: "state", mountPath: "/state" }],
          restartPolicy: "Never",
          restartPolicyRules: [
            { action: "RestartAllContainers", exitCodes: { operator: "In", values: [42] } },
          ],
        },
        {
          ...plain("counter"),
          command: ["sh", "-c", "while [ $(wc -l </state/inits) -lt 2 ]; do sleep 0.1; done"],
          volumeMounts: [{ name: "state", mountPath: "/state" }],
          restartPolicy: "Never",
        },
      ],
    });
    await until(async () => (await kubectl.pod("restart-all")).status.phase === "Succeeded");
  });

  test("of a sidecar go on beside the others, and do not keep their pod from ending", async () => {
    await runPod("sidecar", {
      restartPolicy: "Never",
      initContainers: [{ ...plain("sidecar"), restartPolicy: "Always" }],
      containers: [{ ...plain("main"), command: ["sh", "-c", "sleep 1"] }],
    });
    await until(async () => (await kubectl.pod("sidecar")).status.phase === "Succeeded");
  });

  test("of an ephemeral container see those of the container it is for", async () => {
    await runPod("debugged");
    await ready("debugged");
    const debug = ["debug", "debugged", `--image=${cluster.lab.LAB_IMAGE}`, "--target=main"];
    await kubectl.ask(...debug, "--container=debugger", "--", "sh", "-c", "ps; sleep 3600");
    await until(async () => {
      const { code, stdout } = await kubectl.run(["logs", "debugged", "-c", "debugger"]);
      return code === 0 && stdout.includes("sleep 3600 & wait");
    });
  });

  test("have the image's groups of their user with Merge, and not with Strict", async () => {
    const image = "gcr.io/k8s-staging-cri-tools/test-image-predefined-group:latest";
    for (const [supplementalGroupsPolicy, groups] of [
      ["Merge", "1000 50000 60000"],
      ["Strict", "1000 60000"],
    ]) {
      const name = `groups-${supplementalGroupsPolicy}`.toLowerCase();
      await runPod(
        name,
        {
          securityContext: {
            runAsUser: 1000,
            supplementalGroups: [60000],
            supplementalGroupsPolicy,
          },
        },
        { image, imagePullPolicy: "IfNotPresent" },
      );
      await ready(name);
      expect((await inPod(name, "id -G")).trim().split(" ").sort().join(" ")).toBe(groups);
    }
  });

  test("see the host name that the pod overrides", async () => {
    await runPod("hostname", { hostnameOverride: "web.example.org" });
    await ready("hostname");
    expect(await inPod("hostname", "hostname")).toBe("web.example.org\n");
  });
});

describe("streams", () => {
  beforeAll(async () => {
    await runPod("streams", {}, { command: ["sh", "-c", "cat; exec sleep 3600"], stdin: true });
    await ready("streams");
  });

  test("of exec carry input, both outputs and the exit code through the API server", async () => {
    const script = "cat; echo oops >&2; exit 7";
    const said = await kubectl.run(["exec", "-i", "streams", "--", "sh", "-c", script], "hello\n");
    expect(said).toMatchObject({ code: 7, stdout: "hello\n" });
    expect(said.stderr).toContain("oops\n");
  });

  test("of attach reach the process of the container", async () => {
    const attached = kubectl.start("attach", "-i", "streams", "-c", "main");
    attached.stdin?.write("attached\n");
    let said = "";
    attached.stdout?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    await until(() => said.includes("attached\n"));
    attached.kill();
  });

  test("of port-forward reach a port of the pod", async () => {
    await inPod("streams", "mkdir /www; echo served >/www/file; httpd -p 8080 -h /www");
    const forward = kubectl.start("port-forward", "pod/streams", ":8080");
    let said = "";
    forward.stdout?.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    await until(() => /127\.0\.0\.1:(\d+)/.test(said));
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /file HTTP/1.0\r\n\r\n");
    expect(await text(socket)).toMatch(/\r\n\r\nserved\n$/);
    forward.kill();
  });
});

test("a device that a DRA driver prepares by CDI", async () => {
  const folder = await cdiFolder(cluster.lab);
  const driver = await startDraDriver(config, cluster, folder ?? "/var/run/cdi");
  try {
    await kubectl.apply(driver.deviceClass);
    await kubectl.apply(driver.claimTemplate);
    const containers = [
      {
        ...plain("main"),
        command: ["sh", "-c", "echo $GIVEN; exec sleep 3600"],
        resources: { claims: [{ name: "thing" }] },
      },
      plain("other"),
    ];
    const resourceClaims = [{ name: "thing", resourceClaimTemplateName: driver.name }];
    await runPod("dra", { resourceClaims, containers });
    if (folder === undefined) {
      await until(async () => /CDI/.test(await kubectl.events("dra")));
      return;
    }
    await ready("dra");
    await until(async () => (await kubectl.ask("logs", "dra", "-c", "main")) === "by-dra\n");
    const has = ["sh", "-c", "test -c /dev/given && echo yes || echo no"];
    expect(await kubectl.ask("exec", "dra", "-c", "main", "--", ...has)).toBe("yes\n");
    expect(await kubectl.ask("exec", "dra", "-c", "other", "--", ...has)).toBe("no\n");
    await kubectl.ask("delete", "pod", "dra");
    await until(async () => !(await kubectl.ask("get", "resourceclaims")).includes("dra-thing"));
  } finally {
    await kubectl.run(["delete", "pod", "dra", "--ignore-not-found"]);
    await driver.close();
  }
});

test("a checkpoint of a container, where the engine can", async () => {
  await runPod("checkpoint");
  await ready("checkpoint");
  const path = "/api/v1/nodes/node1/proxy/checkpoint/default/checkpoint/main";
  const said = await kubectl.run(["create", "--raw", path, "-f", "/dev/null"]);
  if (!config.criu) {
    expect(said.code).not.toBe(0);
    expect(said.stderr).toMatch(/Docker Engine checkpoints containers only with .*experimental/);
    return;
  }
  const [archive = ""] = JSON.parse(said.stdout).items;
  const entries = await command("tar", ["tf", archive]);
  expect(entries).toMatch(/^checkpoint\/inventory\.img$/m);
  expect(await command("tar", ["xOf", archive, "config.dump"])).toContain("k8s_main_checkpoint_");
  expect((await kubectl.pod("checkpoint")).status.containerStatuses).toMatchObject([
    { ready: true, restartCount: 0 },
  ]);
});

test("a user namespace of a pod's own, where the node can, and else the reason", async () => {
  const { items } = JSON.parse(await kubectl.ask("get", "nodes", "-o", "json"));
  const handlers: KubernetesObject[] = items[0].status.runtimeHandlers;
  const able = handlers.some(({ name, features }) => name === "" && features.userNamespaces);
  await kubectl.apply({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "mapped" },
    data: { key: "value" },
  });
  const volumes = [
    { name: "disk", emptyDir: {} },
    { name: "memory", emptyDir: { medium: "Memory" } },
    { name: "config", configMap: { name: "mapped" } },
  ];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const pod = { hostUsers: false, securityContext: { fsGroup: 4000 }, volumes };
  await runPod("user-namespace", pod, { volumeMounts });
  if (!able) {
    await until(async () => /user namespace/i.test(await kubectl.events("user-namespace")));
    return;
  }
  await ready("user-namespace");
  const [inside, outside, length] = (await inPod("user-namespace", "cat /proc/self/uid_map"))
    .trim()
    .split(/ +/)
    .map(Number);
  expect([inside, length]).toEqual([0, 65_536]);
  expect(outside).toBeGreaterThanOrEqual(65_536);
  const script =
    "touch /new /disk/new /memory/new; stat -c %u:%g /new /disk/new /memory/new; cat /config/key";
  expect(await inPod("user-namespace", script)).toBe("0:0\n0:4000\n0:4000\nvalue");
});
