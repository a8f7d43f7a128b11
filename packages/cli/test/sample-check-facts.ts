import type { EngineInfo, EngineVersion } from "@dockershim/docker-client";
import { defaultShimOptions } from "@dockershim/shim-server/options";
import type { CheckFacts } from "../src/check/check-facts.js";
import { sampleNow } from "./sample-runtime.js";

const engineInfo = {
  ServerVersion: "28.5.2",
  OperatingSystem: "Debian GNU/Linux 13 (trixie)",
  Driver: "overlay2",
  DockerRootDir: "/var/lib/docker",
  LoggingDriver: "json-file",
  CgroupDriver: "systemd",
  CgroupVersion: "2",
  DefaultRuntime: "runc",
  SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"],
  LiveRestoreEnabled: true,
  SystemTime: new Date(sampleNow).toISOString(),
  Warnings: null,
  ExperimentalBuild: true,
} as EngineInfo;

const engineVersion = {
  Version: "28.5.2",
  ApiVersion: "1.51",
  MinAPIVersion: "1.24",
  Components: [{ Name: "runc", Version: "1.3.3" }],
} as EngineVersion;

/** The one file system of the node, with all that it holds. */
const rootDisk = {
  mountPoint: "/",
  fileSystem: "ext4",
  shared: true,
  total: 100 * 1024 ** 3,
  available: 60 * 1024 ** 3,
  inodes: 1_000_000,
  inodesFree: 900_000,
};

/** A node on which nothing is wrong, with the daemon running. */
export const healthyNode: CheckFacts = {
  runtime: {
    kind: "dockershim",
    endpoint: defaultShimOptions.listen,
    about: "dockershim 0.4.0",
    conditions: [
      { type: "RuntimeReady", status: true, reason: "", message: "" },
      { type: "NetworkReady", status: true, reason: "", message: "" },
    ],
    unread: { containers: 0, images: 0, names: [] },
  },
  daemon: {
    options: defaultShimOptions,
    optionsFrom: "the daemon that runs",
    optionProblems: [],
    socket: { path: "/run/dockershim/dockershim.sock", kind: "socket", mode: 0o600, uid: 0 },
    rootDir: { exists: true, mode: 0o40_700, uid: 0, fileSystem: "ext4", pid: 812 },
    oomScoreAdj: -999,
    takenAddresses: [],
    certificateEnds: undefined,
  },
  engine: {
    endpoint: defaultShimOptions.dockerEndpoint,
    problem: "",
    answer: {
      info: engineInfo,
      version: engineVersion,
      apiVersion: "1.51",
      specs: { specHook: { runtime: "dockershim" }, userNamespaces: { possible: true } },
      at: sampleNow,
    },
    settings: { "live-restore": true },
    criu: { version: "4.2.1", problem: "" },
    process: { oomScoreAdj: -500, mayLowerOomScore: true },
  },
  kubelet: {
    pid: 901,
    version: "1.37.2",
    configFile: "/var/lib/kubelet/config.yaml",
    rootDir: "/var/lib/kubelet",
    settings: {
      cgroupDriver: "systemd",
      failCgroupV1: undefined,
      failSwapOn: undefined,
      endpoint: defaultShimOptions.listen,
      podLogsDir: "/var/log/pods",
      featureGates: { PodAndContainerStatsFromCRI: true },
      evictionHard: {},
    },
  },
  node: {
    cgroups: { version: 2, controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"] },
    systemd: true,
    sysctls: { "net.ipv4.ip_forward": "1", "net.bridge.bridge-nf-call-iptables": "1" },
    kernel: { overlay: true, br_netfilter: true, nf_conntrack: true },
    programs: { flock: true, ip: true, unshare: true },
    swaps: [],
    forward: ["-P FORWARD ACCEPT"],
    disks: [
      { ...rootDisk, path: "/var/lib/kubelet", use: "volumes", signal: "nodefs" },
      { ...rootDisk, path: "/var/log/pods", use: "logs", signal: "nodefs" },
      { ...rootDisk, path: "/var/lib/docker", use: "images", signal: "imagefs" },
    ],
    now: sampleNow,
    clockSynchronized: true,
  },
  network: {
    ready: true,
    network: {
      name: "pods",
      file: "/etc/cni/net.d/10-pods.conflist",
      plugins: ["bridge", "portmap"],
    },
    reason: "",
    skipped: [],
    deep: {
      failedAt: "none",
      message: "",
      addresses: ["10.244.0.9"],
      checked: true,
      milliseconds: 120,
    },
    mappedPorts: [],
    listening: [],
  },
  leftovers: [],
  criDockerdPid: undefined,
};

/** The same node with some of it otherwise; what is an object is merged, all else replaced. */
export function nodeWith(change: Change<CheckFacts>): CheckFacts {
  return merge(healthyNode, change) as CheckFacts;
}

export type Change<T> = T extends readonly unknown[] | string | number | boolean | undefined
  ? T
  : { readonly [K in keyof T]?: Change<T[K]> | undefined };

function merge(base: unknown, change: unknown): unknown {
  if (!isObject(base) || !isObject(change)) return change;
  const merged = Object.entries(change).map(([key, value]) => [key, merge(base[key], value)]);
  return { ...base, ...Object.fromEntries(merged) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
