import { expect, test } from "@jest/globals";
import { checkNames, judgeNode } from "../src/check/all-checks.js";
import type { CheckFacts } from "../src/check/check-facts.js";
import { countVerdicts, describeChecks } from "../src/check/check-report.js";
import type { Verdict } from "../src/check/finding.js";
import { type Change, healthyNode, nodeWith } from "./sample-check-facts.js";
import { sampleNow } from "./sample-runtime.js";

const docker = (change: object): Change<CheckFacts> =>
  ({ engine: { answer: { info: change } } }) as Change<CheckFacts>;
const specs = (change: object): Change<CheckFacts> =>
  ({ engine: { answer: { specs: change } } }) as Change<CheckFacts>;
const settings = (change: object): Change<CheckFacts> =>
  ({ kubelet: { settings: change } }) as Change<CheckFacts>;
const disk = (change: object) => healthyNode.node.disks.map((each) => ({ ...each, ...change }));

const noEngine = { engine: { problem: "there is no such socket", answer: undefined } };
const noDaemon: Change<CheckFacts> = {
  runtime: { kind: "none", about: "there is no such socket", conditions: [], unread: undefined },
};

/** [check, what is otherwise on a healthy node, verdict, in its reason or remedy] */
const rows: [string, Change<CheckFacts>, Verdict, RegExp][] = [
  ["engine", noEngine, "fail", /there is no such socket.*systemctl status docker/s],
  [
    "engine",
    { engine: { problem: "connect: permission denied", answer: undefined } },
    "fail",
    /as root/,
  ],
  ["engine-here", noEngine, "skip", /does not answer/],
  [
    "engine-here",
    { engine: { process: undefined } },
    "fail",
    /no dockerd runs here.*a dockerd of its own/s,
  ],
  ["engine-version", noEngine, "skip", /does not answer/],
  [
    "engine-version",
    { engine: { answer: { version: { ApiVersion: "1.40" } } } },
    "fail",
    /needs 1\.41/,
  ],
  [
    "engine-version",
    { engine: { answer: { version: { MinAPIVersion: "1.57" } } } },
    "fail",
    /up to 1\.56/,
  ],
  ["engine-version", docker({ ServerVersion: "31.0.0" }), "warn", /tested up to Docker 29/],
  // Docker 29.5 gives each container a time namespace, which runc knows since 1.2.
  [
    "oci-runtime",
    {
      engine: {
        answer: {
          info: { ServerVersion: "29.5.0" },
          version: { Components: [{ Name: "runc", Version: "1.1.15" }] },
        },
      },
    },
    "fail",
    /runc 1\.1\.15 knows no time namespaces.*"time-namespaces": false/s,
  ],
  [
    "oci-runtime",
    {
      engine: {
        answer: {
          info: { ServerVersion: "29.5.0" },
          version: { Components: [{ Name: "runc", Version: "1.1.15" }] },
        },
        settings: { features: { "time-namespaces": false } },
      },
    } as Change<CheckFacts>,
    "ok",
    /runc 1\.1\.15/,
  ],
  ["oci-runtime", docker({ ServerVersion: "29.10.1" }), "ok", /runc 1\.3\.3/],
  [
    "oci-runtime",
    docker({ ServerVersion: "29.8.1", DefaultRuntime: "kata" }),
    "warn",
    /kata.*time namespace/,
  ],
  [
    "oci-runtime",
    { engine: { answer: { info: { ServerVersion: "29.8.1" }, version: { Components: null } } } },
    "warn",
    /not known/,
  ],
  ["storage-driver", docker({ Driver: "overlayfs" }), "ok", /overlayfs/],
  ["storage-driver", docker({ Driver: "vfs" }), "warn", /copies each image/],
  [
    "storage-driver",
    {
      engine: { answer: { info: { Driver: "vfs" } } },
      node: { disks: disk({ fileSystem: "overlay" }) },
    },
    "warn",
    /on overlay itself.*on a volume/s,
  ],
  ["storage-driver", docker({ Driver: "btrfs" }), "warn", /overlay2/],
  [
    "propagation",
    { node: { disks: disk({ shared: false }) } },
    "warn",
    /\/var\/lib\/kubelet, is not shared.*mount --make-rshared \//s,
  ],
  ["propagation", { node: { disks: [] } }, "skip", /not there yet/],
  ["propagation", {}, "ok", /\/ is shared/],
  [
    "root-dir",
    { daemon: { rootDir: { fileSystem: "overlay" } } },
    "warn",
    /goes with the container.*on a volume/s,
  ],
  [
    "live-restore",
    docker({ LiveRestoreEnabled: false }),
    "warn",
    /ends all pods.*"live-restore": true/s,
  ],
  [
    "spec-hook",
    specs({ specHook: { problem: "systemd needs it" } }),
    "warn",
    /systemd needs it;.*refused/,
  ],
  ["spec-hook", noEngine, "skip", /does not answer/],
  ["user-namespaces", specs({ userNamespaces: { problem: "old kernel" } }), "skip", /old kernel/],
  ["user-namespaces", {}, "ok", /hostUsers: false/],
  ["userns-remap", docker({ SecurityOptions: ["name=userns"] }), "fail", /"userns-remap"/],
  ["userns-remap", docker({ SecurityOptions: ["name=rootless"] }), "fail", /rootless/],
  ["seccomp", docker({ SecurityOptions: null }), "warn", /filters nothing/],
  ["checkpoints", docker({ ExperimentalBuild: false }), "skip", /off: needs "experimental"/],
  ["checkpoints", { engine: { criu: { version: undefined } } }, "warn", /finds no criu/],
  ["checkpoints", { engine: { criu: { problem: "no vDSO" } } }, "warn", /4\.2\.1 .*: no vDSO/],
  ["checkpoints", {}, "ok", /CRIU 4\.2\.1/],
  ["log-driver", { daemon: { options: { logMode: "docker" } } }, "warn", /nobody limits them/],
  [
    "log-driver",
    {
      daemon: { options: { logMode: "docker" } },
      engine: { settings: { "log-opts": { "max-size": "10m" } } },
    } as Change<CheckFacts>,
    "ok",
    /with a limit/,
  ],
  [
    "log-driver",
    {
      engine: {
        answer: { info: { LoggingDriver: "local" } },
        settings: { "log-opts": { mode: "non-blocking" } },
      },
    } as Change<CheckFacts>,
    "warn",
    /drops lines of pods/,
  ],
  [
    "log-driver",
    { engine: { settings: { "log-opts": { mode: "non-blocking" } } } } as Change<CheckFacts>,
    "ok",
    /json-file, for other containers/,
  ],
  [
    "engine-settings",
    { engine: { settings: "it is no JSON object" } } as Change<CheckFacts>,
    "fail",
    /does not start again/,
  ],
  [
    "engine-warnings",
    docker({ Warnings: ["WARNING: No swap limit support", "DEPRECATED: x. More of it"] }),
    "warn",
    /No swap limit support; DEPRECATED: x$/m,
  ],
  ["oom-score", { engine: { process: undefined } }, "skip", /not seen/],
  ["oom-score", { engine: { process: { mayLowerOomScore: false } } }, "warn", /CAP_SYS_RESOURCE/],
  ["oom-score", { daemon: { oomScoreAdj: 0 } }, "warn", /daemon's own/],
  ["kubelet", { kubelet: { settings: undefined, pid: undefined } }, "skip", /no kubelet runs/],
  [
    "kubelet",
    { kubelet: { settings: "it is no YAML" } } as Change<CheckFacts>,
    "fail",
    /it is no YAML/,
  ],
  [
    "kubelet-endpoint",
    settings({ endpoint: "unix:///run/containerd/containerd.sock" }),
    "warn",
    /containerd\.sock, not/,
  ],
  ["kubelet-endpoint", settings({ endpoint: "/run/dockershim/dockershim.sock" }), "ok", /asks/],
  [
    "cgroup-driver",
    settings({ cgroupDriver: "cgroupfs" }),
    "warn",
    /takes Docker's.*cgroupDriver: systemd/s,
  ],
  // Without the key the kubelet has cgroupfs.
  [
    "cgroup-driver",
    { kubelet: { version: "1.31.0", settings: { cgroupDriver: undefined } } },
    "fail",
    /no pod starts/,
  ],
  [
    "cgroup-driver",
    {
      kubelet: { settings: { cgroupDriver: "cgroupfs" } },
      engine: { answer: { info: { CgroupDriver: "cgroupfs" } } },
    },
    "warn",
    /two managers/,
  ],
  [
    "cgroup-version",
    { node: { cgroups: { version: 1, controllers: ["cpu", "cpuset", "memory", "pids"] } } },
    "fail",
    /failCgroupV1: false/,
  ],
  [
    "cgroup-version",
    {
      node: { cgroups: { version: 1, controllers: ["cpu", "cpuset", "memory", "pids"] } },
      kubelet: { settings: { failCgroupV1: false } },
    },
    "warn",
    /v2 only/,
  ],
  [
    "cgroup-version",
    {
      node: { cgroups: { version: 1, controllers: ["cpu", "cpuset", "memory", "pids"] } },
      kubelet: { version: "1.34.0" },
    },
    "warn",
    /from 1\.35 on/,
  ],
  [
    "cgroup-version",
    { node: { cgroups: { controllers: ["cpu", "cpuset", "pids"] } } },
    "fail",
    /without memory/,
  ],
  ["cgroup-version", { node: { cgroups: { version: undefined } } }, "fail", /mount cgroup2/],
  [
    "stats-from-cri",
    settings({ featureGates: { PodAndContainerStatsFromCRI: false } }),
    "warn",
    /featureGates/,
  ],
  [
    "feature-gates",
    { kubelet: { version: "1.36.1", settings: { featureGates: { EventedPLEG: true } } } },
    "warn",
    /init containers/,
  ],
  ["swap", { node: { swaps: ["/dev/sda2"] } }, "fail", /swapoff/],
  [
    "swap",
    { node: { swaps: ["/dev/sda2"] }, kubelet: { settings: { failSwapOn: false } } },
    "ok",
    /puts up/,
  ],
  [
    "kernel-modules",
    { node: { kernel: { br_netfilter: false } } },
    "warn",
    /modprobe br_netfilter/,
  ],
  [
    "sysctls",
    { node: { sysctls: { "net.ipv4.ip_forward": "0" } } },
    "fail",
    /sysctl -w net\.ipv4\.ip_forward=1/,
  ],
  [
    "sysctls",
    {
      daemon: { options: { podCidr: "fd00::/64" } },
      node: { sysctls: { "net.ipv6.conf.all.forwarding": "0" } },
    },
    "fail",
    /IPv6/,
  ],
  [
    "forward-policy",
    { node: { forward: ["-P FORWARD DROP", "-A FORWARD -o docker0 -j ACCEPT"] } },
    "warn",
    /iptables -P FORWARD ACCEPT/,
  ],
  [
    "forward-policy",
    { node: { forward: ["-P FORWARD DROP", "-A FORWARD -m comment -j KUBE-FORWARD"] } },
    "ok",
    /let pods through/,
  ],
  ["forward-policy", { node: { forward: undefined } }, "skip", /iptables/],
  ["programs", { node: { programs: { flock: false } } }, "warn", /root directory is not locked/],
  [
    "disk",
    { node: { disks: disk({ available: 12 * 1024 ** 3 }) } },
    "fail",
    /12%.*below imagefs\.available 15%/,
  ],
  [
    "disk",
    { node: { disks: disk({ available: 18 * 1024 ** 3 }) } },
    "warn",
    /evicts pods below 15%/,
  ],
  [
    "disk",
    {
      node: { disks: disk({ available: 12 * 1024 ** 3 }) },
      kubelet: { settings: { evictionHard: { "imagefs.available": "13Gi" } } },
    },
    "fail",
    /below imagefs\.available 13%/,
  ],
  ["inodes", { node: { disks: disk({ inodesFree: 40_000 }) } }, "fail", /4%.*inodesFree 5%/],
  // File systems such as btrfs count none.
  ["inodes", { node: { disks: disk({ inodes: 0, inodesFree: 0 }) } }, "skip", /no file system/],
  [
    "clock",
    docker({ SystemTime: new Date(sampleNow - 60_000).toISOString() }),
    "warn",
    /60 s apart/,
  ],
  ["clock", { node: { clockSynchronized: false } }, "warn", /set-ntp/],
  [
    "cni",
    {
      network: {
        ready: false,
        network: undefined,
        reason: "no network configuration in /etc/cni/net.d",
      },
    },
    "fail",
    /add-on brings one/,
  ],
  [
    "cni",
    { network: { skipped: ["/etc/cni/net.d/a.conf: not JSON"] } },
    "warn",
    /a\.conf: not JSON/,
  ],
  [
    "cni",
    {
      daemon: { options: { networkPlugin: "none" } },
      network: { ready: false, network: undefined },
    },
    "ok",
    /off/,
  ],
  ["cni-deep", { network: { deep: undefined } }, "skip", /--deep/],
  [
    "cni-deep",
    { network: { deep: { failedAt: "ADD", message: "no address is free" } } },
    "fail",
    /ADD: no address is free/,
  ],
  [
    "cni-deep",
    {
      network: {
        deep: { failedAt: "leftovers", message: "/var/lib/cni/networks/pods/10.244.0.9" },
      },
    },
    "fail",
    /left something behind/,
  ],
  [
    "host-ports",
    {
      network: {
        mappedPorts: [{ port: 80, protocol: "tcp", sandbox: "a" }],
        listening: [{ port: 80, protocol: "tcp" }],
      },
    },
    "warn",
    /80\/tcp/,
  ],
  [
    "host-ports",
    {
      network: {
        mappedPorts: [{ port: 53, protocol: "udp", sandbox: "a" }],
        listening: [{ port: 53, protocol: "tcp" }],
      },
    },
    "ok",
    /1 mapped/,
  ],
  ["runtime", noDaemon, "skip", /nobody serves/],
  [
    "runtime",
    {
      runtime: {
        conditions: [{ type: "NetworkReady", status: false, reason: "X", message: "no network" }],
      },
    },
    "fail",
    /NetworkReady is false: no network/,
  ],
  [
    "config",
    { daemon: { optionProblems: ["--log-level: no such level"] } },
    "fail",
    /no such level/,
  ],
  ["socket", { daemon: { socket: { mode: 0o666 } } }, "warn", /become root/],
  ["socket", { daemon: { socket: { uid: 1000 } } }, "warn", /owner 1000/],
  ["socket", { daemon: { socket: { kind: "other" } } }, "fail", /no socket/],
  ["socket", { ...noDaemon, daemon: { socket: { kind: "missing" } } }, "skip", /not there yet/],
  ["socket", noDaemon, "ok", /left over/],
  ["root-dir", { daemon: { rootDir: { fileSystem: "tmpfs" } } }, "warn", /in memory/],
  ["root-dir", { daemon: { rootDir: { fileSystem: "nfs4" } } }, "warn", /on the network/],
  ["root-dir", { daemon: { rootDir: { mode: 0o40_777 } } }, "warn", /mode 0777/],
  ["root-dir", { daemon: { rootDir: { exists: false } } }, "skip", /makes it/],
  [
    "addresses",
    { ...noDaemon, daemon: { takenAddresses: ["127.0.0.1:9402"] } },
    "fail",
    /127\.0\.0\.1:9402/,
  ],
  [
    "streaming-tls",
    { daemon: { options: { streamingBindAddr: "0.0.0.0:10010" } } },
    "warn",
    /plain HTTP/,
  ],
  ["streaming-tls", { daemon: { certificateEnds: sampleNow - 1 } }, "fail", /has ended/],
  [
    "streaming-tls",
    { daemon: { certificateEnds: sampleNow + 10 * 86_400_000 } },
    "warn",
    /ends on/,
  ],
  [
    "streaming-tls",
    { daemon: { certificateEnds: "it is no certificate" } } as Change<CheckFacts>,
    "fail",
    /no certificate/,
  ],
  [
    "hung-reads",
    { runtime: { unread: { containers: 2, images: 1, names: ["k8s_web", "k8s_db"] } } },
    "warn",
    /2 containers and 1 images \(k8s_web, k8s_db, …\)/,
  ],
  ["hung-reads", noDaemon, "skip", /does not run/],
  [
    "leftovers",
    { leftovers: [{ kind: "addresses", count: 3 }] },
    "warn",
    /3 addresses.*dockershim gc/,
  ],
  ["leftovers", noDaemon, "skip", /does not run/],
  ["cri-dockerd", { criDockerdPid: 77 }, "fail", /beside dockershim/],
  ["cri-dockerd", { ...noDaemon, criDockerdPid: 77 }, "warn", /dockershim migrate/],
];

const judged = (facts: CheckFacts, name: string) =>
  judgeNode(facts).find((each) => each.name === name);

test("a healthy node passes each check", () => {
  const other = judgeNode(healthyNode).filter(({ verdict }) => verdict !== "ok");
  expect(other).toEqual([]);
});

test.each(
  rows.map(([name, change, verdict, words]) => ({ name, change, verdict, words: words.source })),
)("$name, $verdict: $words", ({ name, change, verdict, words }) => {
  const result = judged(nodeWith(change), name);
  expect(result).toMatchObject({ verdict });
  expect(`${result?.reason}\n${result?.remedy}`).toMatch(new RegExp(words, "ms"));
});

test("what warns or fails says what to do, and nothing else does", () => {
  for (const [name, change] of rows) {
    const result = judged(nodeWith(change), name);
    const isBad = result?.verdict === "warn" || result?.verdict === "fail";
    expect([name, result?.remedy !== undefined]).toEqual([name, isBad]);
  }
});

test("each check has a row here", () => {
  expect([...new Set(rows.map(([name]) => name))].toSorted()).toEqual(checkNames.toSorted());
});

test("of another runtime's node, what is about Docker is skipped", () => {
  const containerd = { kind: "other", about: "containerd v2.1.4", unread: undefined } as const;
  const results = judgeNode(nodeWith({ ...noEngine, runtime: containerd }));
  const skipped = results.filter(({ verdict }) => verdict === "skip");
  expect(results.filter(({ verdict }) => verdict === "fail")).toEqual([]);
  expect(skipped.map(({ name }) => name)).toContain("live-restore");
  expect(skipped[0]?.reason).toMatch(/for dockershim only, and containerd v2\.1\.4 serves/);
});

test("this is what a person sees", () => {
  const facts = nodeWith({
    engine: { answer: { info: { LiveRestoreEnabled: false } } },
    node: { sysctls: { "net.ipv4.ip_forward": "0" } },
    network: { deep: undefined },
  });
  const results = judgeNode(facts);
  expect(
    describeChecks(results, countVerdicts(results), { width: 80, colour: false }),
  ).toMatchSnapshot();
});

test("verdicts have colours where they are wanted", () => {
  const results = judgeNode(healthyNode).slice(0, 1);
  const text = describeChecks(results, countVerdicts(results), { width: 80, colour: true });
  expect(text).toContain("\u001b[32mok\u001b[39m    engine");
});
