import type { create } from "@bufbuild/protobuf";
import type { MountSchema } from "@dockershim/cri-types";
import { describe, expect, test } from "@jest/globals";
import {
  PodSandboxError,
  validateContainerConfigs,
  validateContainerResources,
  validateSandboxConfig,
} from "../src/index.js";
import {
  bytes,
  containerConfig,
  podMetadata,
  resources,
  sandboxConfig,
  thrown,
} from "./configs.js";

type SandboxInit = Parameters<typeof sandboxConfig>[0];
type ContainerInit = Parameters<typeof containerConfig>[0];
type ContextInit = NonNullable<NonNullable<ContainerInit>["linux"]>["securityContext"];

function expectRefusal(action: () => void, field: string, code: string) {
  const error = thrown(action);
  expect(error).toBeInstanceOf(PodSandboxError);
  expect(error).toMatchObject({ field, code });
  expect((error as PodSandboxError).message).toContain(field);
  expect((error as PodSandboxError).message.length).toBeGreaterThan(field.length + 5);
}

type Refusal = [string, SandboxInit, string, string?];

const ids = { containerId: 0, hostId: 70_000, length: 65_536 };
const userNamespace = (changes: object, others: object = {}): SandboxInit => ({
  linux: {
    securityContext: {
      namespaceOptions: { ...others, usernsOptions: { uids: [ids], gids: [ids], ...changes } },
    },
  },
});

const sandboxRefusals: Refusal[] = [
  ["no metadata", { metadata: undefined } as never, "config.metadata"],
  ["an empty name", { metadata: { ...podMetadata, name: "" } }, "config.metadata.name"],
  [
    "an empty namespace",
    { metadata: { ...podMetadata, namespace: "" } },
    "config.metadata.namespace",
  ],
  ["an empty uid", { metadata: { ...podMetadata, uid: "" } }, "config.metadata.uid"],
  [
    "a name of 300 characters",
    { metadata: { ...podMetadata, name: "x".repeat(300) } },
    "config.metadata.name",
  ],
  [
    "an underscore in a name",
    { metadata: { ...podMetadata, name: "a_b" } },
    "config.metadata.name",
  ],
  ["a slash in a uid", { metadata: { ...podMetadata, uid: "a/b" } }, "config.metadata.uid"],
  ["a hostname of 65 characters", { hostname: "h".repeat(65) }, "config.hostname"],
  ["a hostname with a space", { hostname: "a b" }, "config.hostname"],
  ["a cgroup with a line break", { linux: { cgroupParent: "a\nb" } }, "config.linux.cgroup_parent"],
  ["a cgroup with NUL", { linux: { cgroupParent: "a\0b" } }, "config.linux.cgroup_parent"],
  [
    "a cgroup longer than a path",
    { linux: { cgroupParent: "a".repeat(4097) } },
    "config.linux.cgroup_parent",
  ],
  [
    "a sysctl longer than a name",
    { linux: { sysctls: { ["a".repeat(256)]: "1" } } },
    "config.linux.sysctls",
  ],
  ["a relative log directory", { logDirectory: "logs" }, "config.log_directory"],
  ["a log directory with ..", { logDirectory: "/var/../etc" }, "config.log_directory"],
  [
    "a DNS server that is no address",
    { dnsConfig: { servers: ["dns.local"] } },
    "config.dns_config.servers[0]",
  ],
  [
    "a line break in a search domain",
    { dnsConfig: { searches: ["a", "b\nnameserver 1.1.1.1"] } },
    "config.dns_config.searches[1]",
  ],
  ["an empty DNS option", { dnsConfig: { options: [""] } }, "config.dns_config.options[0]"],
  [
    "a host port of 65536",
    { portMappings: [{ containerPort: 1, hostPort: 65536 }] },
    "config.port_mappings[0].host_port",
  ],
  [
    "a negative container port",
    { portMappings: [{ containerPort: -1 }] },
    "config.port_mappings[0].container_port",
  ],
  [
    "a host port that leads nowhere",
    { portMappings: [{ hostPort: 80 }] },
    "config.port_mappings[0].container_port",
  ],
  [
    "an unknown protocol",
    { portMappings: [{ containerPort: 1, protocol: 9 as never }] },
    "config.port_mappings[0].protocol",
  ],
  [
    "a host IP that is none",
    { portMappings: [{ containerPort: 1, hostIp: "1.2.3" }] },
    "config.port_mappings[0].host_ip",
  ],
  [
    "a cgroup parent with ..",
    { linux: { cgroupParent: "/a/../../b" } },
    "config.linux.cgroup_parent",
  ],
  ["a sysctl with a path", { linux: { sysctls: { "../x": "1" } } }, "config.linux.sysctls"],
  [
    "a sysctl of two lines",
    { linux: { sysctls: { "kernel.msgmax": "1\n2" } } },
    "config.linux.sysctls",
  ],
  [
    "a net sysctl on the node's network",
    {
      linux: {
        sysctls: { "net.core.somaxconn": "1" },
        securityContext: { namespaceOptions: { network: 2 } },
      },
    },
    "config.linux.sysctls",
  ],
  [
    "negative pod resources",
    { linux: { resources: { cpuShares: -1n } } },
    "config.linux.resources.cpu_shares",
  ],
  [
    "negative overhead",
    { linux: { overhead: { memoryLimitInBytes: -2n } } },
    "config.linux.overhead.memory_limit_in_bytes",
  ],
  [
    "a group without a user",
    { linux: { securityContext: { runAsGroup: { value: 1n } } } },
    "config.linux.security_context.run_as_group",
  ],
  [
    "a negative user",
    { linux: { securityContext: { runAsUser: { value: -1n } } } },
    "config.linux.security_context.run_as_user",
  ],
  [
    "a pid target",
    { linux: { securityContext: { namespaceOptions: { pid: 3, targetId: "x" } } } },
    "config.linux.security_context.namespace_options.pid",
  ],
  [
    "an unknown ipc mode",
    { linux: { securityContext: { namespaceOptions: { ipc: 8 as never } } } },
    "config.linux.security_context.namespace_options.ipc",
  ],
  ...(
    [
      ["without mappings", { uids: [], gids: [] }, "uids"],
      ["with two mappings", { uids: [ids, ids] }, "uids"],
      ["without groups", { gids: [] }, "gids"],
      ["without root", { gids: [{ ...ids, containerId: 1 }] }, "gids[0].container_id"],
      ["whose root is the node's", { uids: [{ ...ids, hostId: 0 }] }, "uids[0].host_id"],
      ["of nobody", { uids: [{ ...ids, length: 0 }] }, "uids[0].length"],
      ["of ids that there are not", { gids: [{ ...ids, hostId: 2 ** 32 - 9 }] }, "gids[0].length"],
    ] as const
  ).map(
    ([what, changes, field]): Refusal => [
      `a user namespace ${what}`,
      userNamespace(changes),
      `config.linux.security_context.namespace_options.userns_options.${field}`,
    ],
  ),
  ...(["network", "pid", "ipc"] as const).map(
    (name): Refusal => [
      `a user namespace, and the node's ${name} namespace`,
      userNamespace({}, { [name]: 2 }),
      `config.linux.security_context.namespace_options.${name}`,
    ],
  ),
  ["a Windows pod", { windows: {} }, "config.windows", "unimplemented"],
];

describe("a sandbox config", () => {
  test("is refused when missing", () => {
    expectRefusal(() => validateSandboxConfig(undefined), "config", "invalid_argument");
  });

  test.each(sandboxRefusals)("is refused with %s", (_what, init, field, ...[code]) => {
    const config = sandboxConfig(init);
    expectRefusal(() => validateSandboxConfig(config), field, code ?? "invalid_argument");
  });

  test.each<[string, SandboxInit]>([
    ["nothing but metadata", {}],
    ["no hostname", { hostname: "" }],
    ["names of 253 characters", { metadata: { ...podMetadata, name: "x".repeat(253) } }],
    ["capitals and dots", { metadata: { ...podMetadata, name: "PodSandbox-for.TEST-1" } }],
    [
      "IPv6 everywhere",
      {
        dnsConfig: { servers: ["fe80::1%eth0", "::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"] },
        portMappings: [{ containerPort: 1, hostPort: 65535, hostIp: "::" }],
      },
    ],
    ["a container port alone", { portMappings: [{ containerPort: 8080 }] }],
    [
      "the node's user namespace",
      { linux: { securityContext: { namespaceOptions: { usernsOptions: { mode: 2 } } } } },
    ],
    ["a user namespace of its own", userNamespace({})],
    [
      "a kernel sysctl on the node's network",
      {
        linux: {
          sysctls: { "kernel.shm_rmid_forced": "1" },
          securityContext: { namespaceOptions: { network: 2 } },
        },
      },
    ],
  ])("passes with %s", (_what, init) => {
    expect(() => validateSandboxConfig(sandboxConfig(init))).not.toThrow();
  });

  test.each([
    "1.2.3.4.5",
    "256.1.1.1",
    "1:2:3:4:5:6:7",
    "1::2::3",
    ":::",
    "1:2:3:4:5:6:7:8:9",
    "g::1",
    "::1%",
    "fe80::1%eth0\nnameserver 6.6.6.6",
    "fe80::1%eth0%eth1",
    "fe80::1%eth 0",
    "",
  ])("does not take %j for an address", (server) => {
    const config = sandboxConfig({ dnsConfig: { servers: [server] } });
    expectRefusal(
      () => validateSandboxConfig(config),
      "config.dns_config.servers[0]",
      "invalid_argument",
    );
  });
});

const context = (securityContext: ContextInit): ContainerInit => ({
  linux: { securityContext },
});
const mount = (init: Parameters<typeof create<typeof MountSchema>>[1]): ContainerInit => ({
  mounts: [{ containerPath: "/c", hostPath: "/h", ...init } as never],
});
const securityPath = "config.linux.security_context";

const containerRefusals: [string, ContainerInit, string, string?][] = [
  ["no metadata", { metadata: undefined } as never, "config.metadata"],
  ["an empty name", { metadata: { name: "" } }, "config.metadata.name"],
  ["the name of sandboxes", { metadata: { name: "POD" } }, "config.metadata.name"],
  ["a name of 300 characters", { metadata: { name: "n".repeat(300) } }, "config.metadata.name"],
  ["no image", { image: { image: "" } }, "config.image.image"],
  ["a relative working directory", { workingDir: "srv" }, "config.working_dir"],
  ["an absolute log path", { logPath: "/etc/passwd" }, "config.log_path"],
  ["a log path that climbs", { logPath: "a/../../b" }, "config.log_path"],
  ["an unknown stop signal", { stopSignal: 99 as never }, "config.stop_signal"],
  ["a Windows section", { windows: {} }, "config.windows", "unimplemented"],
  ["an env without a key", { envs: [{ key: "" }] }, "config.envs[0]"],
  ["an env key with =", { envs: [{ key: "a" }, { key: "a=b" }] }, "config.envs[1]"],
  [
    "an env value that is no UTF-8",
    { envs: [{ key: "a", value: Uint8Array.of(0xff, 0xfe) }] },
    "config.envs[0]",
  ],
  ["an env value with NUL", { envs: [{ key: "a", value: bytes("x\0y") }] }, "config.envs[0]"],
  ["a relative container path", mount({ containerPath: "c" }), "config.mounts[0].container_path"],
  ["an empty container path", mount({ containerPath: "" }), "config.mounts[0].container_path"],
  ["a mount over the root", mount({ containerPath: "//" }), "config.mounts[0].container_path"],
  ["a relative host path", mount({ hostPath: "../h" }), "config.mounts[0].host_path"],
  ["an empty host path", mount({ hostPath: "" }), "config.mounts[0].host_path"],
  [
    "the same target twice",
    {
      mounts: [
        { containerPath: "/c", hostPath: "/a" },
        { containerPath: "/c/", hostPath: "/b" },
      ],
    },
    "config.mounts[1].container_path",
  ],
  ["an unknown propagation", mount({ propagation: 7 as never }), "config.mounts[0].propagation"],
  ["uid mappings alone", mount({ uidMappings: [{ length: 1 }] }), "config.mounts[0].gidMappings"],
  ["gid mappings alone", mount({ gidMappings: [{ length: 1 }] }), "config.mounts[0].uidMappings"],
  [
    "a mapping of nothing",
    mount({ uidMappings: [{ length: 0 }], gidMappings: [{ length: 1 }] }),
    "config.mounts[0].uidMappings[0].length",
  ],
  [
    "mount options that CRI does not know",
    mount({ mountOptions: ["noexec", "exec"] }),
    "config.mounts[0].mount_options",
  ],
  [
    "recursion without read-only",
    mount({ recursiveReadOnly: true }),
    "config.mounts[0].recursive_read_only",
  ],
  [
    "recursion with propagation",
    mount({ recursiveReadOnly: true, readonly: true, propagation: 1 }),
    "config.mounts[0].recursive_read_only",
  ],
  ["an image and a host path", mount({ image: { image: "a" } }), "config.mounts[0].host_path"],
  ["a writable image", mount({ hostPath: "", image: { image: "a" } }), "config.mounts[0].readonly"],
  ["a sub-path without an image", mount({ imageSubPath: "x" }), "config.mounts[0].image_sub_path"],
  [
    "a sub-path that climbs",
    mount({ hostPath: "", image: { image: "a" }, imageSubPath: "../x", readonly: true }),
    "config.mounts[0].image_sub_path",
  ],
  ["a relative device", { devices: [{ hostPath: "dev/null" }] }, "config.devices[0].host_path"],
  [
    "a relative device inside",
    { devices: [{ hostPath: "/dev/null", containerPath: "x" }] },
    "config.devices[0].container_path",
  ],
  [
    "device permissions that are none",
    { devices: [{ hostPath: "/dev/null", permissions: "rx" }] },
    "config.devices[0].permissions",
  ],
  [
    "a device permission twice",
    { devices: [{ hostPath: "/dev/null", permissions: "rr" }] },
    "config.devices[0].permissions",
  ],
  [
    "a CDI device without a class",
    { CDIDevices: [{ name: "gpu0" }] },
    "config.CDI_devices[0].name",
  ],
  [
    "negative memory",
    { linux: { resources: { memoryLimitInBytes: -5n } } },
    "config.linux.resources.memory_limit_in_bytes",
  ],
  [
    "a pid target without an id",
    context({ namespaceOptions: { pid: 3 } }),
    `${securityPath}.namespace_options.target_id`,
  ],
  [
    "a network target",
    context({ namespaceOptions: { network: 3, targetId: "x" } }),
    `${securityPath}.namespace_options.network`,
  ],
  [
    "a network of its own",
    context({ namespaceOptions: { network: 1 } }),
    `${securityPath}.namespace_options.network`,
  ],
  [
    "an unknown pid mode",
    context({ namespaceOptions: { pid: 9 as never } }),
    `${securityPath}.namespace_options.pid`,
  ],
  [
    "a user namespace without mappings",
    context({ namespaceOptions: { usernsOptions: {} } }),
    `${securityPath}.namespace_options.userns_options.uids`,
  ],
  [
    "a user namespace mode that is none",
    context({ namespaceOptions: { usernsOptions: { mode: 1 } } }),
    `${securityPath}.namespace_options.userns_options.mode`,
  ],
  [
    "both user and user name",
    context({ runAsUser: { value: 1n }, runAsUsername: "a" }),
    `${securityPath}.run_as_username`,
  ],
  [
    "a user name with a colon",
    context({ runAsUsername: "a:b" }),
    `${securityPath}.run_as_username`,
  ],
  [
    "a group without a user",
    context({ runAsGroup: { value: 1n } }),
    `${securityPath}.run_as_group`,
  ],
  [
    "a user beyond 32 bits",
    context({ runAsUser: { value: 4294967295n } }),
    `${securityPath}.run_as_user`,
  ],
  [
    "a negative supplementary group",
    context({ supplementalGroups: [1n, -1n] }),
    `${securityPath}.supplemental_groups[1]`,
  ],
  [
    "an unknown groups policy",
    context({ supplementalGroupsPolicy: 4 as never }),
    `${securityPath}.supplemental_groups_policy`,
  ],
  [
    "a capability that is none",
    context({ capabilities: { addCapabilities: ["NET ADMIN"] } }),
    `${securityPath}.capabilities.add_capabilities`,
  ],
  [
    "ambient capabilities",
    context({ capabilities: { addAmbientCapabilities: ["CHOWN"] } }),
    `${securityPath}.capabilities.add_ambient_capabilities`,
    "unimplemented",
  ],
  [
    "an SELinux type with a space",
    context({ selinuxOptions: { type: "a b" } }),
    `${securityPath}.selinux_options.type`,
  ],
  [
    "a relative masked path",
    context({ maskedPaths: ["proc/x"] }),
    `${securityPath}.masked_paths[0]`,
  ],
  [
    "a relative read-only path",
    context({ readonlyPaths: ["/ok", ""] }),
    `${securityPath}.readonly_paths[1]`,
  ],
];

describe("a container config", () => {
  test("is refused when it or its sandbox's is missing", () => {
    const pod = sandboxConfig();
    expectRefusal(
      () => validateContainerConfigs({ sandboxConfig: pod }),
      "config",
      "invalid_argument",
    );
    const alone = () => validateContainerConfigs({ config: containerConfig() });
    expectRefusal(alone, "sandbox_config", "invalid_argument");
    const nameless = sandboxConfig({ metadata: { ...podMetadata, uid: "" } });
    const bad = () =>
      validateContainerConfigs({ config: containerConfig(), sandboxConfig: nameless });
    expectRefusal(bad, "sandbox_config.metadata.uid", "invalid_argument");
  });

  test.each(["logs", "/var/log/../../etc", "/var/log/\0x"])(
    "is refused when its sandbox's log directory is %j",
    (logDirectory) => {
      const elsewhere = sandboxConfig({ logDirectory });
      const call = () =>
        validateContainerConfigs({ config: containerConfig(), sandboxConfig: elsewhere });
      expectRefusal(call, "sandbox_config.log_directory", "invalid_argument");
    },
  );

  test.each(containerRefusals)("is refused with %s", (_what, init, field, ...[code]) => {
    const config = containerConfig(init);
    const action = () => validateContainerConfigs({ config, sandboxConfig: sandboxConfig() });
    expectRefusal(action, field, code ?? "invalid_argument");
  });

  test.each<[string, ContainerInit]>([
    ["nothing special", {}],
    ["a nested log path", { logPath: "nginx/0.log" }],
    ["every stop signal up to SIGRTMAX", { stopSignal: 65 }],
    [
      "a group with a user name",
      context({ runAsUsername: "www-data", runAsGroup: { value: 33n } }),
    ],
    ["root", context({ runAsUser: { value: 0n } })],
    [
      "image and empty host path",
      mount({ hostPath: "", image: { image: "a" }, imageSubPath: "a/b", readonly: true }),
    ],
    ["an empty image message", mount({ image: {} })],
    ["a pid target", context({ namespaceOptions: { pid: 3, targetId: "abc" } })],
    ["a CDI device", { CDIDevices: [{ name: "vendor.com/gpu=gpu:0" }] }],
    [
      "SELinux categories",
      context({ selinuxOptions: { level: "s0:c1,c2", type: "svirt_lxc_net_t" } }),
    ],
  ])("passes with %s", (_what, init) => {
    expect(() =>
      validateContainerConfigs({ config: containerConfig(init), sandboxConfig: sandboxConfig() }),
    ).not.toThrow();
  });
});

describe("resources", () => {
  test.each<[Parameters<typeof resources>[0], string]>([
    [{ cpuPeriod: -1n }, "linux.cpu_period"],
    [{ cpuPeriod: 2n ** 53n }, "linux.cpu_period"],
    [{ cpuQuota: 2n ** 63n - 1n }, "linux.cpu_quota"],
    [{ cpuShares: 2n ** 53n }, "linux.cpu_shares"],
    [{ cpuQuota: -2n }, "linux.cpu_quota"],
    [{ cpuShares: -1n }, "linux.cpu_shares"],
    [{ memoryLimitInBytes: -2n }, "linux.memory_limit_in_bytes"],
    [{ memorySwapLimitInBytes: -2n }, "linux.memory_swap_limit_in_bytes"],
    [{ memoryLimitInBytes: 10n, memorySwapLimitInBytes: 9n }, "linux.memory_swap_limit_in_bytes"],
    [{ oomScoreAdj: -1001n }, "linux.oom_score_adj"],
    [{ oomScoreAdj: 1001n }, "linux.oom_score_adj"],
    [{ cpusetCpus: "0-" }, "linux.cpuset_cpus"],
    [{ cpusetMems: "a" }, "linux.cpuset_mems"],
    [{ hugepageLimits: [{ pageSize: "2M" }] }, "linux.hugepage_limits[0].page_size"],
    [
      { hugepageLimits: [{ pageSize: "1GB" }, { pageSize: "../x" }] },
      "linux.hugepage_limits[1].page_size",
    ],
    [{ unified: { "../memory.max": "1" } }, "linux.unified"],
    [{ unified: { memory: "1" } }, "linux.unified"],
  ])("%j is refused", (init, field) => {
    expectRefusal(() => validateContainerResources(resources(init)), field, "invalid_argument");
  });

  test.each<[Parameters<typeof resources>[0]]>([
    [{}],
    [{ cpuQuota: -1n, memoryLimitInBytes: -1n, memorySwapLimitInBytes: -1n }],
    [{ cpusetCpus: "0-3,7,9-11", cpusetMems: "0" }],
    [{ oomScoreAdj: -1000n }],
    [{ hugepageLimits: [{ pageSize: "64KB", limit: 18446744073709551615n }] }],
    [{ unified: { "memory.high": "max", "hugetlb.2MB.max": "0", "io.max": "8:0 rbps=1" } }],
  ])("%j passes", (init) => {
    expect(() => validateContainerResources(resources(init))).not.toThrow();
  });

  test("that are missing pass", () => {
    expect(() => validateContainerResources(undefined)).not.toThrow();
  });
});
