import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultShimOptions } from "@dockershim/shim-server/options";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readDaemon } from "../src/check/read-daemon.js";
import { readListening, readNode } from "../src/check/read-node.js";
import { readKubelet } from "../src/node/read-kubelet.js";
import { sampleNow } from "./sample-runtime.js";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "check-readers-"));
});
afterEach(() => rm(root, { recursive: true }));

async function put(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), text, { mode: 0o755 });
  }
}

const places = () => ({ root, procDir: join(root, "proc"), path: join(root, "bin") });

test("a node with cgroup v2 is read", async () => {
  await put({
    "proc/self/mountinfo":
      "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
    "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "proc/1/comm": "systemd\n",
    "proc/filesystems": "nodev\tproc\nnodev\toverlay\n\text4\n",
    "proc/swaps": "Filename\tType\n/dev/sda2 partition\n",
    "proc/sys/net/ipv4/ip_forward": "0\n",
    "bin/iptables": "#!/bin/sh\necho '-P FORWARD DROP'\n",
    "bin/timedatectl": "#!/bin/sh\necho no\n",
    "bin/ip": "",
  });
  expect(await readNode(places(), [], sampleNow)).toEqual({
    cgroups: { version: 2, controllers: ["cpuset", "cpu", "io", "memory", "pids"] },
    systemd: true,
    sysctls: { "net.ipv4.ip_forward": "0" },
    kernel: { overlay: true, br_netfilter: false, nf_conntrack: false },
    programs: { flock: false, ip: true, unshare: false },
    swaps: ["/dev/sda2"],
    forward: ["-P FORWARD DROP"],
    disks: [],
    now: sampleNow,
    clockSynchronized: false,
  });
});

test("a node with cgroup v1 has the controllers that are mounted and turned on", async () => {
  const mount = (name: string) =>
    `36 25 0:31 / /sys/fs/cgroup/${name} rw shared:9 - cgroup cgroup rw,${name}\n`;
  await put({
    "proc/self/mountinfo": ["cpu,cpuacct", "memory", "pids"].map(mount).join(""),
    "proc/cgroups":
      "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t2\t1\t1\nmemory\t3\t1\t0\npids\t4\t1\t1\nio\t0\t1\t1\n",
  });
  const { cgroups, forward, clockSynchronized } = await readNode(places(), [], sampleNow);
  expect(cgroups).toEqual({ version: 1, controllers: ["cpu", "pids"] });
  expect({ forward, clockSynchronized }).toEqual({
    forward: undefined,
    clockSynchronized: undefined,
  });
});

test("listening sockets of both families are read, connected ones are not", async () => {
  const line = (local: string, state: string) => `   0: ${local} 00000000:0000 ${state} 00000000\n`;
  await put({
    "proc/net/tcp": `  sl  local_address rem_address st\n${line("0100007F:1F90", "0A")}${line("0100007F:1F91", "01")}`,
    "proc/net/udp6": `  sl\n${line("00000000000000000000000000000000:0035", "07")}`,
  });
  expect(await readListening(places().procDir)).toEqual([
    { protocol: "tcp", port: 8080, address: "0100007F" },
    { protocol: "udp", port: 53, address: "00000000000000000000000000000000" },
  ]);
});

test("the kubelet's file is read, and its flags come before it", async () => {
  await put({
    "proc/4242/cmdline":
      "/usr/bin/kubelet\0--config\0/etc/kubelet.yaml\0--feature-gates=EventedPLEG=true,A=false\0",
    "etc/kubelet.yaml":
      "cgroupDriver: systemd\nfailSwapOn: false\nfeatureGates: {A: true, B: true}\nevictionHard: {nodefs.available: 1Gi}\n",
    "bin/kubelet": "#!/bin/sh\necho Kubernetes v1.36.2\n",
  });
  expect(await readKubelet(places(), undefined)).toEqual({
    pid: 4242,
    version: "1.36.2",
    configFile: "/etc/kubelet.yaml",
    rootDir: "/var/lib/kubelet",
    settings: {
      cgroupDriver: "systemd",
      failCgroupV1: undefined,
      failSwapOn: false,
      endpoint: undefined,
      podLogsDir: "/var/log/pods",
      featureGates: { A: false, B: true, EventedPLEG: true },
      evictionHard: { "nodefs.available": "1Gi" },
    },
  });
});

test.each([
  ["a: [", /./],
  ["", /no keys/],
])("a kubelet's file that holds %j is told as a problem", async (text, problem) => {
  await put({ "k.yaml": text });
  const { settings } = await readKubelet(places(), "/k.yaml");
  expect(settings).toMatch(problem);
});

test.each([
  ["the daemon", "/usr/bin/node\0/usr/lib/dockershim.js\0serve\0", { pid: 812, oomScoreAdj: -999 }],
  ["another process by now", "/bin/sleep\x0800\0", { pid: undefined, oomScoreAdj: undefined }],
])("a lock of the root directory that names %s", async (_, cmdline, expected) => {
  await put({
    "var/lib/dockershim/lock": "process 812, which serves on unix:///run/x.sock\n",
    "proc/812/cmdline": cmdline,
    "proc/812/oom_score_adj": "-999\n",
  });
  const chosen = { options: defaultShimOptions, from: "the defaults", problems: [] };
  const { rootDir, oomScoreAdj } = await readDaemon(places(), chosen, defaultShimOptions.listen);
  expect({ pid: rootDir.pid, oomScoreAdj }).toEqual(expected);
  expect(rootDir.exists).toBe(true);
});

test("a socket and what is none are told apart", async () => {
  await put({ "run/dockershim/dockershim.sock": "" });
  const chosen = { options: defaultShimOptions, from: "the defaults", problems: [] };
  const read = async (endpoint: string) => (await readDaemon(places(), chosen, endpoint)).socket;
  expect(await read(defaultShimOptions.listen)).toMatchObject({ kind: "other", mode: 0o755 });
  expect(await read("unix:///run/none.sock")).toMatchObject({ kind: "missing" });
});

test("without a kubelet there is nothing to tell", async () => {
  expect(await readKubelet(places(), undefined)).toMatchObject({
    pid: undefined,
    version: undefined,
    settings: undefined,
  });
});

test("a disk is that of the nearest mount, with its type and propagation", async () => {
  await put({
    "proc/self/mountinfo": [
      `1 0 0:1 / / rw shared:3 master:1 - overlay overlay rw`,
      `2 1 0:2 / ${root}/var/lib/kubelet rw,relatime - ext4 /dev/sda rw`,
      `3 1 0:2 / ${root}/var/lib/docker rw,relatime master:6 shared:7 - ext4 /dev/sda rw`,
      "",
    ].join("\n"),
    "var/lib/kubelet/pods/none": "",
    "var/lib/docker/none": "",
    "var/log/pods/none": "",
  });
  const wanted = [
    { path: "/var/lib/kubelet/pods", use: "volumes", signal: "nodefs" },
    { path: "/var/lib/docker", use: "images", signal: "imagefs" },
    { path: "/var/log/pods", use: "logs", signal: "nodefs" },
    { path: "/var/lib/none", use: "the daemon", signal: "nodefs" },
  ] as const;
  const { disks } = await readNode(places(), wanted, sampleNow);
  expect(disks.map(({ path, fileSystem, shared }) => [path, fileSystem, shared])).toEqual([
    ["/var/lib/kubelet/pods", "ext4", false],
    ["/var/lib/docker", "ext4", true],
    ["/var/log/pods", "overlay", true],
  ]);
});
