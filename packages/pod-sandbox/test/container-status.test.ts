import { create, toBinary } from "@bufbuild/protobuf";
import {
  ContainerStatusSchema,
  ImageSpecSchema,
  type LinuxContainerResources,
  type Mount,
  MountSchema,
  Signal,
} from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  type InspectedContainer,
  logPathOf,
  PodSandboxError,
  planContainer,
  planUpdate,
  sandboxIdOf,
  toContainer,
  toContainerStatus,
  toVerboseInfo,
} from "../src/index.js";
import {
  containerConfig,
  containerInput,
  imageId,
  inspected,
  newest,
  resources,
  running,
  sandboxConfig,
  thrown,
  validResources,
} from "./configs.js";

type Init = NonNullable<Parameters<typeof containerConfig>[0]>;

const made = (init: Init = {}, rest = {}) =>
  planContainer(containerInput(containerConfig(init), rest));
const statusOf = (init: Init = {}, state = {}) =>
  toContainerStatus({ inspect: inspected(made(init), state) });

const name = fc.stringMatching(/^[a-zA-Z0-9.-]{1,20}$/).filter((text) => text !== "POD");
const path = fc.stringMatching(/^\/[a-zA-Z0-9._ -]{1,12}$/);
const hostMount = fc
  .record({ hostPath: path, propagation: fc.constantFrom(0, 1, 2), readonly: fc.boolean() })
  .chain((mount) =>
    fc.boolean().map((recursive) => ({
      ...mount,
      recursiveReadOnly: recursive && mount.readonly && mount.propagation === 0,
    })),
  );
const imageMount = fc.record({
  image: fc.constant(create(ImageSpecSchema, { image: "sha256:1" })),
  imageSubPath: fc.constantFrom("", "a/b"),
  readonly: fc.constant(true),
});
const mounts: fc.Arbitrary<Mount[]> = fc
  .uniqueArray(fc.tuple(path, fc.oneof(hostMount, imageMount)), {
    selector: ([target]) => target,
    maxLength: 5,
  })
  .map((list) =>
    list.map(([target, mount]) => create(MountSchema, { ...mount, containerPath: `/m${target}` })),
  );
const limits: fc.Arbitrary<LinuxContainerResources> = fc
  .record({
    cpuShares: fc.bigInt(0n, 262144n),
    cpuQuota: fc.bigInt(-1n, 1_000_000n),
    cpuPeriod: fc.constantFrom(0n, 100_000n),
    memoryLimitInBytes: fc.bigInt(0n, 2n ** 50n),
    oomScoreAdj: fc.bigInt(-1000n, 1000n),
    cpusetCpus: fc.constantFrom("", "0", "0-3,7"),
    cpusetMems: fc.constantFrom("", "0"),
    hugepageLimits: fc.constantFrom<{ pageSize: string; limit: bigint }[]>(
      [],
      [{ pageSize: "2MB", limit: 2n ** 63n }],
    ),
    unified: fc.constantFrom<Record<string, string>>({}, { "memory.high": "1000" }),
  })
  .map((init) => resources({ ...init, memorySwapLimitInBytes: init.memoryLimitInBytes }));
const config = fc.record({
  metadata: fc.record({ name, attempt: fc.nat() }),
  image: fc.record({
    image: fc.constantFrom("nginx", "sha256:1"),
    userSpecifiedImage: fc.constantFrom("", "nginx:1"),
    annotations: fc.constantFrom<Record<string, string>>({}, { a: "b" }),
    runtimeHandler: fc.constantFrom("", "kata"),
  }),
  mounts,
  logPath: fc.constantFrom("", "nginx/0.log"),
  stopSignal: fc.integer({ min: 1, max: 65 }),
  linux: fc.record({ resources: limits }),
});

describe("the status of a container", () => {
  test("gives back everything CRI wants to have back, from inspect alone", () => {
    const imageMounts = new Map([["sha256:1", { id: "sha256:1", ref: "vol@sha256:9" }]]);
    const rest = { imageMounts, sandboxConfig: sandboxConfig({ logDirectory: "/logs" }) };
    fc.assert(
      fc.property(config, (init) => {
        const inspect = inspected(made(init, rest), running);
        const status = toContainerStatus({ inspect });
        expect(status).toMatchObject({
          ...{ id: "c0ffee", metadata: init.metadata, image: init.image },
          ...{ imageRef: "nginx@sha256:cafe", imageId },
          logPath: init.logPath === "" ? "" : `/logs/${init.logPath}`,
          stopSignal: init.stopSignal,
        });
        expect(status.resources?.linux).toEqual(init.linux.resources);
        const asked = init.mounts.map((mount) =>
          mount.image ? { ...mount, image: { ...mount.image, imageRef: "vol@sha256:9" } } : mount,
        );
        expect(status.mounts).toEqual(asked);
        const entry = toContainer({ inspect });
        expect(entry).toMatchObject({
          ...{ id: "c0ffee", podSandboxId: "5and80x", metadata: init.metadata, image: init.image },
          ...{ imageRef: status.imageRef, imageId, createdAt: status.createdAt },
          state: status.state,
        });
        // Whatever is told must also fit on the wire.
        expect(toBinary(ContainerStatusSchema, status).length).toBeGreaterThan(0);
      }),
    );
  });

  test("has a reference by digest where an older record has the image's id", () => {
    const inspect = inspected(made({}, { image: { id: imageId, ref: imageId } }));
    const image = { Id: imageId, RepoTags: [], RepoDigests: ["web@sha256:1"] };
    expect(toContainerStatus({ inspect, image }).imageRef).toBe("web@sha256:1");
    expect(toContainerStatus({ inspect }).imageRef).toBe(imageId);
  });

  test("shows limits as an update left them", () => {
    const inspect = inspected(made({ linux: { resources: { memoryLimitInBytes: 2n ** 26n } } }));
    const { body } = planUpdate({
      resources: validResources({ memoryLimitInBytes: 2n ** 27n, cpuShares: 7n }),
      engine: newest,
    });
    inspect.HostConfig = { ...inspect.HostConfig, ...body };
    const linux = toContainerStatus({ inspect }).resources?.linux;
    expect(linux).toMatchObject({
      ...{ memoryLimitInBytes: 2n ** 27n, memorySwapLimitInBytes: 2n ** 27n, cpuShares: 7n },
    });
  });

  test("shows a lifted memory limit as none", () => {
    const { body } = planUpdate({
      resources: validResources({ memoryLimitInBytes: -1n }),
      engine: newest,
    });
    const inspect = inspected(made());
    // As it comes back through JSON.
    inspect.HostConfig = { ...inspect.HostConfig, ...JSON.parse(JSON.stringify(body)) };
    expect(toContainerStatus({ inspect }).resources?.linux).toMatchObject({
      ...{ memoryLimitInBytes: 0n, memorySwapLimitInBytes: 0n },
    });
  });

  test("shows what the server wrote to the cgroup since", () => {
    const init = {
      linux: {
        resources: { hugepageLimits: [{ pageSize: "2MB", limit: 1n }], unified: { "a.b": "1" } },
      },
    };
    const written = { unified: { "c.d": "2" } };
    const status = toContainerStatus({ inspect: inspected(made(init)), written });
    expect(status.resources?.linux).toMatchObject({
      hugepageLimits: [{ pageSize: "2MB", limit: 1n }],
      unified: { "a.b": "1", "c.d": "2" },
    });
  });

  test("has the user of the process where the server knows it", () => {
    const user = { uid: 1000, gid: 50, supplementalGroups: [50, 7] };
    const status = toContainerStatus({ inspect: inspected(made(), running), user });
    expect(status.user?.linux).toMatchObject({
      uid: 1000n,
      gid: 50n,
      supplementalGroups: [50n, 7n],
    });
    expect(statusOf().user).toBeUndefined();
  });

  test("has the image's stop signal, and Docker's default without one", () => {
    expect(statusOf().stopSignal).toBe(Signal.SIGTERM);
    const inspect = inspected(made());
    inspect.Config.StopSignal = "SIGQUIT";
    expect(toContainerStatus({ inspect }).stopSignal).toBe(Signal.SIGQUIT);
  });

  test("names the image a person knows where the kubelet asked by id", () => {
    const inspect = inspected(made({ image: { image: imageId } }));
    const image = { Id: imageId, RepoTags: ["nginx:1.27"], RepoDigests: [] };
    expect(toContainerStatus({ inspect, image }).image?.image).toBe("nginx:1.27");
    expect(toContainer({ inspect }).image?.image).toBe(imageId);
  });
});

describe("the status of cri-dockerd's container", () => {
  const inspect: InspectedContainer = {
    ...inspected(made(), running),
    Config: {
      Image: imageId,
      Labels: {
        app: "web",
        "annotation.a": "b",
        "io.kubernetes.docker.type": "container",
        "io.kubernetes.sandbox.id": "5b",
        "io.kubernetes.container.logpath": "/var/log/pods/x/0.log",
      },
    },
    Mounts: [
      { Type: "bind", Source: "/h", Destination: "/c", RW: false, Propagation: "rslave" },
      { Type: "volume", Source: "/var/lib/docker/v", Destination: "/v", RW: true, Propagation: "" },
      { Type: "tmpfs", Source: "", Destination: "/t", RW: true },
    ],
    HostConfig: { Memory: 5000, MemorySwap: 5000, CpuShares: null },
  };
  const image = { Id: imageId, RepoTags: ["nginx:1.27"], RepoDigests: ["nginx@sha256:1"] };

  test("is read from name, labels and what Docker tells", () => {
    expect(toContainerStatus({ inspect, image })).toMatchObject({
      metadata: { name: "nginx", attempt: 2 },
      image: { image: "nginx:1.27" },
      imageRef: "nginx@sha256:1",
      labels: { app: "web" },
      annotations: { a: "b" },
      logPath: "/var/log/pods/x/0.log",
      mounts: [
        { hostPath: "/h", containerPath: "/c", readonly: true, propagation: 1 },
        { hostPath: "/var/lib/docker/v", containerPath: "/v", readonly: false, propagation: 0 },
      ],
      resources: { linux: { memoryLimitInBytes: 5000n, cpuShares: 0n } },
    });
    expect(toContainer({ inspect })).toMatchObject({ podSandboxId: "5b", imageRef: imageId });
    expect(sandboxIdOf(inspect)).toBe("5b");
    expect(logPathOf(inspect)).toBe("/var/log/pods/x/0.log");
  });

  test("needs a name of the scheme", () => {
    const error = thrown(() => toContainer({ inspect: { ...inspect, Name: "/db" } }));
    expect(error).toBeInstanceOf(PodSandboxError);
    expect(error).toMatchObject({ field: "container_id" });
  });
});

test("verbose info of a container tells its sandbox and pid", () => {
  const { info = "" } = toVerboseInfo(inspected(made(), running));
  expect(JSON.parse(info)).toMatchObject({ pid: 4711, sandboxID: "5and80x", isSandbox: false });
});
