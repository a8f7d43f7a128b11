import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  fromDockerLabels,
  planContainer,
  planSandbox,
  readContainerRecord,
  sandboxConfigOf,
  TYPE_CONTAINER,
  TYPE_SANDBOX,
  toContainer,
  toDockerLabels,
  toPodSandbox,
  withSuffix,
} from "../src/index.js";
import {
  containerConfig,
  containerInput,
  inspected,
  podMetadata,
  sandboxConfig,
  sandboxInput,
} from "./configs.js";

const traps = fc.constantFrom(
  "io.kubernetes.docker.type",
  "io.kubernetes.sandbox.id",
  "io.kubernetes.container.logpath",
  "io.kubernetes.container.name",
  "io.dockershim.record",
  "io.dockershim.instance",
  "annotation.x",
  "annotation.",
  "",
  "__proto__",
  "constructor",
);
const key = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^([a-z0-9.-]{1,20}\/)?[A-Za-z0-9_.-]{1,20}$/) },
  { weight: 1, arbitrary: fc.string() },
  { weight: 1, arbitrary: traps },
);
// Protobuf's maps cannot hold `__proto__`: assigning it is lost before our code sees it.
const map = fc
  .dictionary(key, fc.string({ unit: "grapheme" }), { maxKeys: 8, noNullPrototype: true })
  .map((labels) => Object.fromEntries(Object.entries(labels).filter(([k]) => k !== "__proto__")));

describe("labels and annotations", () => {
  test("of a sandbox come back from inspect whatever their keys are", () => {
    fc.assert(
      fc.property(map, map, map, (labels, annotations, imageLabels) => {
        const plan = planSandbox(sandboxInput(sandboxConfig({ labels, annotations })));
        const entry = toPodSandbox({ inspect: inspected(plan, {}, imageLabels) });
        expect(entry.labels).toEqual(labels);
        expect(entry.annotations).toEqual(annotations);
      }),
    );
  });

  test("of a container come back from inspect without the image's own", () => {
    fc.assert(
      fc.property(map, map, map, (labels, annotations, imageLabels) => {
        const plan = planContainer(containerInput(containerConfig({ labels, annotations })));
        const entry = toContainer({ inspect: inspected(plan, {}, imageLabels) });
        expect(entry.labels).toEqual(labels);
        expect(entry.annotations).toEqual(annotations);
      }),
    );
  });

  test("are Docker labels in dockershim's scheme", () => {
    const config = sandboxConfig({ labels: { app: "web" }, annotations: { "a/b": "c" } });
    expect(planSandbox(sandboxInput(config)).body.Labels).toMatchObject({
      app: "web",
      "annotation.a/b": "c",
      "io.kubernetes.docker.type": "podsandbox",
      "io.kubernetes.container.name": "POD",
      "io.dockershim.instance": "node-a",
      "io.dockershim.runtime-handler": "",
      "io.dockershim.log-directory": "",
    });
    const container = containerConfig({
      labels: { "io.kubernetes.container.name": "nginx" },
      annotations: { n: "1" },
      logPath: "nginx/0.log",
    });
    const input = containerInput(container, {
      sandboxConfig: sandboxConfig({ logDirectory: "/var/log/pods/web/" }),
    });
    expect(planContainer(input).body.Labels).toMatchObject({
      "io.kubernetes.container.name": "nginx",
      "annotation.n": "1",
      "io.kubernetes.docker.type": "container",
      "io.kubernetes.sandbox.id": "5and80x",
      "io.kubernetes.container.logpath": "/var/log/pods/web/nginx/0.log",
    });
  });

  test("that the scheme reserves do not become Docker labels", () => {
    const labels = { "io.kubernetes.docker.type": "trick", "io.dockershim.x": "y", ok: "1" };
    expect(toDockerLabels(labels, {}, TYPE_CONTAINER)).toEqual({
      ok: "1",
      "io.kubernetes.docker.type": "container",
    });
  });

  test("of cri-dockerd's containers are read as it wrote them", () => {
    const docker = {
      app: "web",
      "annotation.a": "b",
      "io.kubernetes.docker.type": TYPE_SANDBOX,
      "io.kubernetes.container.name": "POD",
    };
    expect(fromDockerLabels(docker)).toEqual({ labels: { app: "web" }, annotations: { a: "b" } });
    const container = { ...docker, "io.kubernetes.docker.type": TYPE_CONTAINER };
    expect(fromDockerLabels(container).labels).toEqual({
      app: "web",
      "io.kubernetes.container.name": "POD",
    });
  });

  test("may be big", () => {
    const annotations = { big: "x".repeat(300_000) };
    const plan = planContainer(containerInput(containerConfig({ annotations })));
    const record = plan.body.Labels["io.dockershim.record"] ?? "";
    expect(record.length).toBeLessThan(2000);
    expect(toContainer({ inspect: inspected(plan) }).annotations).toEqual(annotations);
  });
});

describe("the record", () => {
  const plan = planContainer(
    containerInput(containerConfig({ logPath: "a.log", image: { image: "nginx:1.27" } })),
  );

  test("is found under a name that lost a conflict", () => {
    const renamed = { ...plan, name: withSuffix(plan.name, 7) };
    expect(readContainerRecord(inspected(renamed))?.config.logPath).toBe("a.log");
  });

  test("forged by an image is not believed, since it cannot know the pod", () => {
    const foreign = {
      name: "k8s_nginx_web_shop_another-uid_0",
      body: { ...plan.body, Labels: { "io.kubernetes.docker.type": "container" } },
    };
    const inspect = inspected(foreign, {}, plan.body.Labels);
    expect(readContainerRecord(inspect)).toBeUndefined();
    expect(toContainer({ inspect }).metadata).toMatchObject({ name: "nginx", attempt: 0 });
  });

  test.each([
    ["no JSON", "{"],
    ["null", "null"],
    ["a later version", '{"version":2}'],
    [
      "a config that is none",
      JSON.stringify({
        version: 1,
        name: plan.name,
        labelKeys: [],
        annotationKeys: [],
        config: { mounts: 7 },
      }),
    ],
  ])("of %s is passed over for what name and labels tell", (_what, text) => {
    const inspect = inspected(plan);
    inspect.Config.Labels = { ...inspect.Config.Labels, "io.dockershim.record": text };
    expect(readContainerRecord(inspect)).toBeUndefined();
    expect(toContainer({ inspect }).metadata).toMatchObject({ name: "nginx", attempt: 2 });
  });

  test("with fields of a later CRI is still read", () => {
    const inspect = inspected(plan);
    const text = inspect.Config.Labels?.["io.dockershim.record"] ?? "";
    const record = JSON.parse(text);
    record.config.someday = true;
    inspect.Config.Labels = {
      ...inspect.Config.Labels,
      "io.dockershim.record": JSON.stringify(record),
    };
    expect(readContainerRecord(inspect)?.config.logPath).toBe("a.log");
  });

  test("of a sandbox holds its whole config", () => {
    const config = sandboxConfig({
      logDirectory: "/var/log/pods/web",
      labels: { app: "web" },
      annotations: { "kubernetes.io/ingress-bandwidth": "1M" },
      dnsConfig: { servers: ["10.0.0.10"], searches: ["svc"], options: ["ndots:5"] },
      portMappings: [{ hostPort: 80, containerPort: 8080, hostIp: "::1", protocol: 2 }],
      linux: {
        cgroupParent: "/kubepods.slice/kubepods-x.slice",
        sysctls: { "net.core.somaxconn": "1024" },
        overhead: { cpuShares: 10n },
        resources: { memoryLimitInBytes: 9007199254740993n },
        securityContext: { namespaceOptions: { pid: 2 }, runAsUser: { value: 65535n } },
      },
    });
    expect(sandboxConfigOf(inspected(planSandbox(sandboxInput(config))))).toEqual(config);
  });

  test("of another shim's sandbox is made up from name, labels and namespaces", () => {
    const body = planSandbox(sandboxInput()).body;
    const inspect = inspected({
      name: "k8s_POD_web_shop_6f1c2d7e_1",
      body: {
        ...body,
        Hostname: "web-0",
        Labels: {
          app: "web",
          "annotation.a": "b",
          "io.kubernetes.docker.type": "podsandbox",
          "io.kubernetes.container.name": "POD",
        },
      },
    });
    expect(sandboxConfigOf(inspect)).toMatchObject({
      metadata: podMetadata,
      hostname: "web-0",
      labels: { app: "web" },
      annotations: { a: "b" },
    });
    expect(sandboxConfigOf({ ...inspect, Name: "/postgres" })).toBeUndefined();
  });
});
