import { describe, expect, test } from "@jest/globals";
import {
  type CreateContainerBody,
  type HostDevice,
  type NodeClasses,
  type NriAdjustment,
  type NriResources,
  planAdjustedContainer,
  planContainer,
} from "../src/index.js";
import {
  type ContainerRest,
  containerConfig,
  containerInput,
  newest,
  oldest,
  thrown,
} from "./configs.js";

type Init = Parameters<typeof containerConfig>[0];
type Linux = NonNullable<NriAdjustment["linux"]>;

const nothing: NriAdjustment = {
  annotations: {},
  mounts: [],
  env: [],
  args: [],
  rlimits: [],
  CDIDevices: [],
};

const noLinux: Linux = { devices: [], cgroupsPath: "", namespaces: [], sysctl: {}, netDevices: {} };

const noResources: NriResources = { hugepageLimits: [], unified: {}, devices: [] };

const hostDevices = new Map<string, HostDevice>([
  ["/dev/fuse", { type: "c", major: 10, minor: 229, mode: 0o666, uid: 0, gid: 0 }],
]);

const nodeClasses: NodeClasses = {
  blockIo: {
    classes: new Map([["fast", [{ weight: 400 }]]]),
    devicesOf: new Map(),
  },
  rdt: { classes: ["gold"] },
};

const hooked = {
  engine: { ...newest, specHook: { runtime: "io.containerd.hook.v2", ociVersion: "1.3.0" } },
};

function adjusted(
  wanted: Partial<NriAdjustment>,
  init: Init = {},
  rest: ContainerRest = {},
): CreateContainerBody {
  const input = containerInput(containerConfig(init), { nodeClasses, ...rest });
  return planAdjustedContainer(input, { ...nothing, ...wanted }, hostDevices).body;
}

const host = (wanted: Partial<NriAdjustment>, init?: Init, rest?: ContainerRest) =>
  adjusted(wanted, init, rest).HostConfig;
const linux = (wanted: Partial<Linux>) => ({ linux: { ...noLinux, ...wanted } });
const limits = (wanted: Partial<NriResources>) =>
  linux({ resources: { ...noResources, ...wanted } });

test("an adjustment that wants nothing changes nothing", () => {
  const input = containerInput(
    containerConfig({ args: ["x"], mounts: [{ hostPath: "/a", containerPath: "/b" }] }),
  );
  expect(planAdjustedContainer(input, nothing, hostDevices)).toEqual(planContainer(input));
  const empty = limits({ memory: {}, cpu: { cpus: "", mems: "" } });
  expect(adjusted(empty)).toEqual(adjusted({}));
});

describe("the process", () => {
  test("gets other arguments whole, whatever entrypoint the image has", () => {
    const init = { command: ["sh"], args: ["-c", "true"] };
    const { Entrypoint, Cmd } = adjusted({ args: ["/bin/app", "-v"] }, init);
    expect({ Entrypoint, Cmd }).toEqual({ Entrypoint: ["/bin/app"], Cmd: ["-v"] });
  });

  test("gets variables added, replaced and removed, the image's as well", () => {
    const init = { envs: [{ key: "A", value: Buffer.from("1") }] };
    const env = [
      { key: "A", value: "2" },
      { key: "B", value: "x=y" },
      { key: "-PATH", value: "" },
    ];
    expect(adjusted({ env }, init).Env).toEqual(["A=2", "B=x=y", "PATH"]);
  });

  test.each([
    ["RLIMIT_NOFILE", 10n, 20n, { Name: "nofile", Soft: 10, Hard: 20 }],
    ["RLIMIT_CORE", 0n, 2n ** 64n - 1n, { Name: "core", Soft: 0, Hard: -1 }],
  ])("gets %s", (type, soft, hard, expected) => {
    expect(host({ rlimits: [{ type, soft, hard }] }).Ulimits).toEqual([expected]);
  });

  test("gets a seccomp profile in place of another", () => {
    const seccompPolicy = {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrno: { value: 38 },
      architectures: ["SCMP_ARCH_X86_64"],
      flags: [],
      listenerPath: "",
      listenerMetadata: "",
      syscalls: [
        {
          names: ["clone"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 2114060288n, valueTwo: 0n, op: "SCMP_CMP_MASKED_EQ" }],
        },
      ],
    };
    const { SecurityOpt = [] } = host(linux({ seccompPolicy }), {
      linux: { securityContext: { noNewPrivs: true } },
    });
    expect(SecurityOpt[0]).toBe("no-new-privileges");
    expect(SecurityOpt).toHaveLength(2);
    expect(JSON.parse(SecurityOpt[1]?.replace(/^seccomp=/, "") ?? "")).toEqual({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      architectures: ["SCMP_ARCH_X86_64"],
      flags: [],
      syscalls: [
        {
          names: ["clone"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
        },
      ],
    });
  });
});

describe("mounts", () => {
  const mount = (options: string[], type = "bind") => ({
    mounts: [{ destination: "/m", type, source: "/s", options }],
  });

  test.each([
    [["rbind", "ro"], { ReadOnly: true, BindOptions: { ReadOnlyNonRecursive: true } }],
    [["bind", "rw"], { BindOptions: { NonRecursive: true } }],
    [["rbind", "rshared"], { BindOptions: { Propagation: "rshared" } }],
    [["slave"], { BindOptions: { Propagation: "slave" } }],
    [[], {}],
  ])("a bind with %j", (options, expected) => {
    expect(host(mount(options)).Mounts).toEqual([
      { Type: "bind", Source: "/s", Target: "/m", ...expected },
    ]);
  });

  test("a bind that says so by its options alone", () => {
    expect(host(mount(["rbind"], "none")).Mounts).toHaveLength(1);
  });

  test("a tmpfs", () => {
    expect(host(mount(["size=1m", "noexec"], "tmpfs")).Tmpfs).toEqual({ "/m": "size=1m,noexec" });
  });

  test("one at the place of another, and one less", () => {
    const init = {
      mounts: [
        { hostPath: "/a", containerPath: "/m" },
        { hostPath: "/b", containerPath: "/n" },
        { hostPath: "/c", containerPath: "/o" },
      ],
    };
    const mounts = [...mount([]).mounts, { destination: "-/n", type: "", source: "", options: [] }];
    expect(host({ mounts }, init).Mounts?.map(({ Source, Target }) => [Source, Target])).toEqual([
      ["/c", "/o"],
      ["/s", "/m"],
    ]);
  });

  test.each([
    [mount(["rbind", "noexec"]), /^nri\.adjust\.mounts\[\/m\]\.options: .*"noexec"/],
    [mount([], "overlay"), /^nri\.adjust\.mounts\[\/m\]\.type: .*"overlay"/],
    [mount(["ro"], ""), /^nri\.adjust\.mounts\[\/m\]\.type/],
  ])("%j is refused with its field", (wanted, message) => {
    expect(thrown(() => host(wanted))).toMatchObject({
      code: "unimplemented",
      message: expect.stringMatching(message),
    });
  });
});

describe("devices", () => {
  const fuse = { path: "/dev/fuse", type: "c", major: 10n, minor: 229n };

  test("of the host are copied, and taken away again", () => {
    const mapping = {
      PathOnHost: "/dev/fuse",
      PathInContainer: "/dev/fuse",
      CgroupPermissions: "rwm",
    };
    expect(host(linux({ devices: [fuse] })).Devices).toEqual([mapping]);
    const init = {
      devices: [{ hostPath: "/dev/fuse", permissions: "r" }, { hostPath: "/dev/kvm" }],
    };
    const removed = { path: "-/dev/fuse", type: "", major: 0n, minor: 0n };
    const left = host(linux({ devices: [removed] }), init).Devices;
    expect(left?.map(({ PathOnHost }) => PathOnHost)).toEqual(["/dev/kvm"]);
  });

  test("with the host's own mode and owner may say so", () => {
    const device = { ...fuse, fileMode: { value: 0o20666 }, uid: { value: 0 }, gid: { value: 0 } };
    expect(host(linux({ devices: [device] })).Devices).toHaveLength(1);
  });

  test.each([
    ["another number", { ...fuse, minor: 1n }, "linux.devices[/dev/fuse]"],
    ["another place", { ...fuse, path: "/dev/x" }, "linux.devices[/dev/x]"],
    ["another owner", { ...fuse, uid: { value: 5 } }, "linux.devices[/dev/fuse].uid"],
    ["another mode", { ...fuse, fileMode: { value: 0o600 } }, "linux.devices[/dev/fuse].file_mode"],
  ])("with %s are refused with their field", (_what, device, field) => {
    expect(thrown(() => host(linux({ devices: [device] })))).toMatchObject({
      code: "unimplemented",
      field: `nri.adjust.${field}`,
    });
  });

  test("of CDI join those of the config, each once", () => {
    const init = { CDIDevices: [{ name: "v/c=1" }] };
    const CDIDevices = [{ name: "v/c=1" }, { name: "v/c=2" }];
    expect(host({ CDIDevices }, init).DeviceRequests).toEqual([
      { Driver: "cdi", DeviceIDs: ["v/c=1", "v/c=2"] },
    ]);
  });

  test("are allowed by rules, and not denied", () => {
    const rule = { allow: true, type: "c", major: { value: 5n }, access: "rw" };
    expect(host(limits({ devices: [rule] })).DeviceCgroupRules).toEqual(["c 5:* rw"]);
    const denied = thrown(() => host(limits({ devices: [{ ...rule, allow: false }] })));
    expect(denied).toMatchObject({ field: "nri.adjust.linux.resources.devices" });
  });
});

describe("limits", () => {
  test("that CRI has too are planned as if the kubelet had asked, and told in a status", () => {
    const init = { linux: { resources: { cpuShares: 512n, memoryLimitInBytes: 1000n } } };
    const wanted = limits({
      memory: { limit: { value: 4096n }, swap: { value: 8192n } },
      cpu: { cpus: "0-1", mems: "0", quota: { value: 5000n }, period: { value: 10000n } },
    });
    const { HostConfig, Labels } = adjusted(wanted, init);
    expect(HostConfig).toMatchObject({
      CpuShares: 512,
      CpuQuota: 5000,
      CpuPeriod: 10000,
      CpusetCpus: "0-1",
      CpusetMems: "0",
      Memory: 4096,
      MemorySwap: 8192,
    });
    const record = JSON.parse(Labels["io.dockershim.record"] ?? "");
    expect(record.config.linux.resources).toMatchObject({
      cpuShares: "512",
      memoryLimitInBytes: "4096",
      cpusetCpus: "0-1",
    });
  });

  test("that Docker alone has", () => {
    const wanted = limits({
      memory: {
        reservation: { value: 5n },
        swappiness: { value: 10n },
        disableOomKiller: { value: true },
      },
      cpu: { cpus: "", mems: "", realtimeRuntime: { value: 7n }, realtimePeriod: { value: 8n } },
      pids: { limit: 99n },
    });
    expect(host(wanted)).toMatchObject({
      MemoryReservation: 5,
      MemorySwappiness: 10,
      OomKillDisable: true,
      CpuRealtimeRuntime: 7,
      CpuRealtimePeriod: 8,
      PidsLimit: 99,
    });
  });

  test("that Docker has not go to the container's cgroup", () => {
    const input = containerInput(containerConfig({}));
    const wanted = {
      hugepageLimits: [{ pageSize: "2MB", limit: 4194304n }],
      unified: { "memory.high": "100" },
    };
    const plan = planAdjustedContainer(input, { ...nothing, ...limits(wanted) }, hostDevices);
    expect(plan.cgroupWrites).toMatchObject([
      { controller: "hugetlb", value: "4194304" },
      { file: "memory.high", value: "100" },
    ]);
  });

  test("of the OOM killer, raised to what the engine may set", () => {
    expect(host(linux({ oomScoreAdj: { value: 500n } })).OomScoreAdj).toBe(500);
    const engine = { ...newest, minOomScoreAdj: -10 };
    const input = { engine };
    expect(host(linux({ oomScoreAdj: { value: -900n } }), {}, input).OomScoreAdj).toBe(-10);
  });

  test.each<[string, Partial<NriResources>]>([
    ["memory.kernel", { memory: { kernel: { value: 1n } } }],
    ["memory.kernel_tcp", { memory: { kernelTcp: { value: 1n } } }],
    ["memory.use_hierarchy", { memory: { useHierarchy: { value: true } } }],
    ["blockio_class", { blockioClass: { value: "slow" } }],
    ["rdt_class", { rdtClass: { value: "bronze" } }],
    ["memory_limit_in_bytes", { memory: { limit: { value: -5n } } }],
    ["pids.limit", { pids: { limit: -5n } }],
    ["cpuset_cpus", { cpu: { cpus: "all", mems: "" } }],
  ])("%s is refused with its field", (field, wanted) => {
    expect(thrown(() => host(limits(wanted)))).toMatchObject({
      field: `nri.adjust.linux.resources.${field}`,
    });
  });
});

test("a class of block I/O is the one that a plugin wants, whatever annotations say", () => {
  const key = "io.kubernetes.cri.blockio-class";
  const annotated = { annotations: { [key]: "fast" } };
  const wanted = limits({ blockioClass: { value: "fast" } });
  expect(host({}, annotated).BlkioWeight).toBe(400);
  expect(host(wanted, { annotations: { [key]: "unknown" } }).BlkioWeight).toBe(400);
  const none = limits({ blockioClass: { value: "" } });
  expect(host(none, annotated).BlkioWeight).toBeUndefined();
});

test("RDT is refused on a node without it", () => {
  const rest = { ...hooked, nodeClasses: { ...nodeClasses, rdt: { problem: "no resctrl" } } };
  for (const wanted of [
    limits({ rdtClass: { value: "gold" } }),
    linux({ rdt: { closId: { value: "gold" } } }),
  ]) {
    expect(thrown(() => adjusted(wanted, {}, rest))).toMatchObject({
      code: "failed_precondition",
      message: expect.stringContaining("the node has no RDT: no resctrl"),
    });
  }
});

test("sysctls are added and removed", () => {
  expect(host(linux({ sysctl: { "kernel.shmmax": "1", "-kernel.msgmax": "" } })).Sysctls).toEqual({
    "kernel.shmmax": "1",
  });
});

test("annotations are OCI's, where the engine has a field for them", () => {
  expect(host({ annotations: { a: "1", "-b": "" } }).Annotations).toEqual({ a: "1" });
  const old = thrown(() => host({ annotations: { a: "1" } }, {}, { engine: oldest }));
  expect(old).toMatchObject({ code: "unimplemented", field: "nri.adjust.annotations" });
});

/** What only an OCI spec has a field for, and what of it is said there. */
const specOnly: readonly (readonly [
  field: string,
  wanted: Partial<NriAdjustment>,
  merge: object,
])[] = [
  [
    "hooks",
    {
      hooks: {
        prestart: [],
        createRuntime: [{ path: "/hook", args: ["hook", "x"], env: [], timeout: { value: 3n } }],
        createContainer: [],
        startContainer: [],
        poststart: [],
        poststop: [],
      },
    },
    { hooks: { createRuntime: [{ path: "/hook", args: ["hook", "x"], timeout: 3 }] } },
  ],
  [
    "linux.io_priority",
    linux({ ioPriority: { class: 2, priority: 5 } }),
    { process: { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 5 } } },
  ],
  [
    "linux.scheduler",
    linux({
      scheduler: {
        policy: 2,
        nice: 0,
        priority: 9,
        flags: [0],
        runtime: 0n,
        deadline: 0n,
        period: 0n,
      },
    }),
    {
      process: {
        scheduler: { policy: "SCHED_FIFO", priority: 9, flags: ["SCHED_FLAG_RESET_ON_FORK"] },
      },
    },
  ],
  [
    "linux.namespaces",
    linux({ namespaces: [{ type: "time", path: "" }] }),
    { linux: { namespaces: [{ type: "time" }] } },
  ],
  [
    "linux.net_devices",
    linux({ netDevices: { eth9: { name: "eth1" } } }),
    { linux: { netDevices: { eth9: { name: "eth1" } } } },
  ],
  [
    "linux.rdt",
    linux({ rdt: { closId: { value: "gold" }, schemata: { value: ["L3:0=f"] } } }),
    { linux: { intelRdt: { closID: "gold", schemata: ["L3:0=f"] } } },
  ],
  [
    "linux.resources.rdt_class",
    limits({ rdtClass: { value: "gold" } }),
    { linux: { intelRdt: { closID: "gold" } } },
  ],
  [
    "linux.memory_policy",
    linux({ memoryPolicy: { mode: 2, nodes: "0-1", flags: [0] } }),
    {
      linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0-1", flags: ["MPOL_F_STATIC_NODES"] } },
    },
  ],
];

describe("what only an OCI spec has a field for", () => {
  test.each(specOnly)("%s goes through the spec hook", (_field, wanted, merge) => {
    const { Labels, HostConfig } = adjusted(wanted, {}, hooked);
    expect(HostConfig.Runtime).toBe("io.containerd.hook.v2");
    expect(JSON.parse(Labels["io.dockershim.spec-patch"] ?? "")).toEqual({ merge });
  });

  test.each(specOnly)("%s is refused with its field where there is none", (field, wanted) => {
    expect(thrown(() => adjusted(wanted))).toMatchObject({
      code: "unimplemented",
      field: `nri.adjust.${field}`,
      message: expect.stringContaining("there is no spec hook"),
    });
  });

  test.each([
    ["linux.cgroups_path", linux({ cgroupsPath: "/x" })],
    ["linux.namespaces", linux({ namespaces: [{ type: "-pid", path: "" }] })],
  ])("%s is refused with one as well", (field, wanted) => {
    const error = thrown(() => adjusted(wanted, {}, hooked));
    expect(error).toMatchObject({ code: "unimplemented", field: `nri.adjust.${field}` });
  });

  test("what says nothing is not refused", () => {
    const hooks = {
      prestart: [],
      createRuntime: [],
      createContainer: [],
      startContainer: [],
      poststart: [],
      poststop: [],
    };
    const silent = {
      hooks,
      ...linux({
        ioPriority: { class: 0, priority: 0 },
        rdt: {},
        netDevices: { "-eth0": undefined },
      }),
    };
    expect(adjusted(silent)).toEqual(adjusted({}));
  });
});
