import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import { createOwners } from "../src/field-owners.js";
import { ContainerAdjustmentSchema, ContainerSchema, NriError } from "../src/index.js";
import { type Adjustments, collectAdjustments } from "../src/merge-adjustments.js";

type Wanted = MessageInitShape<typeof ContainerAdjustmentSchema>;

/** Merges what plugins want, by their names, into a container that has a bit of everything. */
function merge(...all: readonly (readonly [plugin: string, wanted: Wanted])[]): Adjustments {
  const container = create(ContainerSchema, {
    id: "c1",
    annotations: { old: "1" },
    env: ["PATH=/bin", "MODE=slow"],
    args: ["run"],
    mounts: [{ destination: "/data", source: "/srv" }],
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1n, hard: 2n }],
    linux: {
      devices: [{ path: "/dev/fuse" }],
      namespaces: [{ type: "pid" }],
      sysctl: { "net.a": "1" },
      resources: { memory: { limit: { value: 100n } }, unified: { "memory.high": "9" } },
    },
  });
  const adjustments = collectAdjustments(container, createOwners());
  for (const [plugin, wanted] of all) {
    adjustments.merge(create(ContainerAdjustmentSchema, wanted), plugin);
  }
  return adjustments;
}

/** Two plugins that want the same set are refused; one that wants other entries is not. */
const fields: readonly (readonly [field: string, wanted: Wanted, other?: Wanted])[] = [
  ["Annotations", { annotations: { a: "1" } }, { annotations: { b: "1" } }],
  ["Mounts", { mounts: [{ destination: "/m" }] }, { mounts: [{ destination: "/n" }] }],
  ["Env", { env: [{ key: "A" }] }, { env: [{ key: "B" }] }],
  ["Args", { args: ["x"] }],
  ["Rlimits", { rlimits: [{ type: "RLIMIT_CPU" }] }, { rlimits: [{ type: "RLIMIT_CORE" }] }],
  ["CdiDevices", { CDIDevices: [{ name: "v/c=1" }] }, { CDIDevices: [{ name: "v/c=2" }] }],
  [
    "Devices",
    { linux: { devices: [{ path: "/dev/a" }] } },
    { linux: { devices: [{ path: "/b" }] } },
  ],
  ["CgroupsPath", { linux: { cgroupsPath: "/x" } }],
  ["OomScoreAdj", { linux: { oomScoreAdj: { value: 1n } } }],
  ["IoPriority", { linux: { ioPriority: { priority: 1 } } }],
  ["SeccompPolicy", { linux: { seccompPolicy: { defaultAction: "SCMP_ACT_ALLOW" } } }],
  ["LinuxSched", { linux: { scheduler: { nice: 1 } } }],
  ["MemoryPolicy", { linux: { memoryPolicy: { nodes: "0" } } }],
  [
    "Namespace",
    { linux: { namespaces: [{ type: "ipc" }] } },
    { linux: { namespaces: [{ type: "x" }] } },
  ],
  ["Sysctl", { linux: { sysctl: { a: "1" } } }, { linux: { sysctl: { b: "1" } } }],
  ["LinuxNetDevices", { linux: { netDevices: { a: {} } } }, { linux: { netDevices: { b: {} } } }],
  ["RdtClosID", { linux: { rdt: { closId: { value: "a" } } } }],
  ["RdtSchemata", { linux: { rdt: { schemata: { value: ["a"] } } } }],
  ["RdtEnableMonitoring", { linux: { rdt: { enableMonitoring: { value: true } } } }],
  ["MemLimit", resources({ memory: { limit: { value: 1n } } })],
  ["MemReservation", resources({ memory: { reservation: { value: 1n } } })],
  ["MemSwapLimit", resources({ memory: { swap: { value: 1n } } })],
  ["MemKernelLimit", resources({ memory: { kernel: { value: 1n } } })],
  ["MemTCPLimit", resources({ memory: { kernelTcp: { value: 1n } } })],
  ["MemSwappiness", resources({ memory: { swappiness: { value: 1n } } })],
  ["MemDisableOomKiller", resources({ memory: { disableOomKiller: { value: true } } })],
  ["MemUseHierarchy", resources({ memory: { useHierarchy: { value: true } } })],
  ["CPUShares", resources({ cpu: { shares: { value: 1n } } })],
  ["CPUQuota", resources({ cpu: { quota: { value: 1n } } })],
  ["CPUPeriod", resources({ cpu: { period: { value: 1n } } })],
  ["CPURealtimeRuntime", resources({ cpu: { realtimeRuntime: { value: 1n } } })],
  ["CPURealtimePeriod", resources({ cpu: { realtimePeriod: { value: 1n } } })],
  ["CPUSetCPUs", resources({ cpu: { cpus: "1" } })],
  ["CPUSetMems", resources({ cpu: { mems: "1" } })],
  ["PidsLimit", resources({ pids: { limit: 1n } })],
  [
    "HugepageLimits",
    resources({ hugepageLimits: [{ pageSize: "2MB" }] }),
    resources({ hugepageLimits: [{ pageSize: "1GB" }] }),
  ],
  ["BlockioClass", resources({ blockioClass: { value: "a" } })],
  ["RdtClass", resources({ rdtClass: { value: "a" } })],
  ["CgroupsUnified", resources({ unified: { a: "1" } }), resources({ unified: { b: "1" } })],
];

type Resources = NonNullable<NonNullable<Wanted["linux"]>["resources"]>;

function resources(wanted: Resources): Wanted {
  return { linux: { resources: wanted } };
}

describe.each(fields)("%s", (field, wanted, other) => {
  test("is collected as one plugin wants it", () => {
    const plain = create(ContainerAdjustmentSchema, wanted);
    expect(toJson(ContainerAdjustmentSchema, merge(["10-a", wanted]).collected)).toMatchObject(
      toJson(ContainerAdjustmentSchema, plain) as object,
    );
  });

  test("is set by one plugin at most", () => {
    const both = () => merge(["10-a", wanted], ["20-b", wanted]);
    expect(both).toThrow(NriError);
    expect(both).toThrow(new RegExp(`^NRI plugins 10-a and 20-b both set ${field}( |$)`));
    if (other !== undefined) expect(() => merge(["10-a", wanted], ["20-b", other])).not.toThrow();
  });
});

test("OCI hooks are added up", () => {
  const hooks = (path: string): Wanted => ({ hooks: { prestart: [{ path }] } });
  const { collected, container } = merge(["10-a", hooks("/a")], ["20-b", hooks("/b")]);
  expect(collected.hooks?.prestart.map(({ path }) => path)).toEqual(["/a", "/b"]);
  expect(container.hooks?.prestart).toHaveLength(2);
});

test("what is removed is gone from what later plugins see, and told to the runtime", () => {
  const { collected, container } = merge([
    "10-a",
    {
      annotations: { "-old": "" },
      env: [{ key: "-MODE" }],
      mounts: [{ destination: "-/data" }],
      linux: {
        devices: [{ path: "-/dev/fuse" }],
        sysctl: { "-net.a": "" },
        namespaces: [{ type: "-pid" }],
      },
    },
  ]);
  expect(container).toMatchObject({
    annotations: {},
    env: ["PATH=/bin"],
    mounts: [],
    linux: { devices: [], sysctl: {}, namespaces: [] },
  });
  expect(Object.keys(container.annotations)).toEqual([]);
  expect(collected).toMatchObject({
    annotations: { "-old": "" },
    env: [{ key: "-MODE" }],
    mounts: [{ destination: "-/data" }],
    linux: {
      devices: [{ path: "-/dev/fuse" }],
      sysctl: { "-net.a": "" },
      namespaces: [{ type: "-pid" }],
    },
  });
});

test("a plugin takes a field over from another by removing what that has set", () => {
  const { collected, container } = merge(
    ["10-a", { env: [{ key: "X", value: "a" }], args: ["a"], annotations: { k: "a" } }],
    [
      "20-b",
      {
        env: [{ key: "-X" }, { key: "X", value: "b" }],
        args: ["", "b"],
        annotations: { "-k": "", k: "b" },
      },
    ],
  );
  expect(container.env).toEqual(["PATH=/bin", "MODE=slow", "X=b"]);
  expect(collected.env.map(({ key, value }) => `${key}=${value}`)).toEqual(["-X=", "X=b"]);
  expect(collected.args).toEqual(["b"]);
  expect(collected.annotations).toEqual({ "-k": "", k: "b" });
});

test("what one plugin has removed, another cannot set", () => {
  expect(() =>
    merge(["10-a", { env: [{ key: "-MODE" }] }], ["20-b", { env: [{ key: "MODE", value: "1" }] }]),
  ).toThrow("NRI plugins 10-a and 20-b both set Env MODE of container c1");
});

test("replacing an entry leaves one of it, where the container's own stays as it is", () => {
  const { container } = merge([
    "10-a",
    {
      env: [{ key: "MODE", value: "fast" }],
      mounts: [{ destination: "/data", source: "/other" }],
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 5n, hard: 5n }],
      linux: { resources: { cpu: { cpus: "3" } } },
    },
  ]);
  expect(container).toMatchObject({
    env: ["PATH=/bin", "MODE=fast"],
    mounts: [{ destination: "/data", source: "/other" }],
    rlimits: [{ soft: 5n }],
    linux: {
      resources: {
        memory: { limit: { value: 100n } },
        cpu: { cpus: "3" },
        unified: { "memory.high": "9" },
      },
    },
  });
  expect(container.mounts).toHaveLength(1);
});
