import { describe, expect, test } from "@jest/globals";
import { describeMigration } from "../src/migrate/migrate-command.js";
import { migrateFlags } from "../src/migrate/migrate-flags.js";
import {
  judgeMigration,
  type MigratedPod,
  type MigrateFacts,
} from "../src/migrate/migrate-report.js";

const pod: MigratedPod = {
  id: "a".repeat(64),
  namespace: "prod",
  name: "web",
  uid: "u1",
  attempt: 0,
  state: "running",
  pid: 42,
  hostNetwork: false,
  cniCache: "/var/lib/cni/cache/results/net-a-eth0",
  checkpoint: "intact",
  containers: [
    { id: "b".repeat(64), name: "nginx", state: "running", log: "/l", logKind: "docker" },
  ],
};
const healthy: MigrateFacts = {
  engine: { version: "28.5.2", apiVersion: "1.51", cgroupDriver: "systemd" },
  engineProblem: "",
  pods: [pod],
  strays: [],
  orphans: [],
  unreadable: [],
  kubeletCgroupDriver: "systemd",
  flags: [],
  socketInUse: undefined,
  criDockerdPid: undefined,
};

describe("the report of migrate --check", () => {
  test("finds nothing against taking over a healthy node, and names its pods", () => {
    const report = judgeMigration(healthy);
    expect(report).toMatchObject({ problems: [], warnings: [] });
    const text = describeMigration(report);
    expect(text).toContain("To take over: 1 pods with 1 containers");
    expect(text).toMatch(
      /aaaaaaaaaaaaa +prod +web +running +42 +intact +cached +nginx \(running\)/,
    );
    expect(text).toContain("Nothing stands against taking over.");
  });

  test.each<[string, Partial<MigrateFacts>, RegExp]>([
    [
      "an engine that is too old",
      { engine: { version: "19.03", apiVersion: "1.40", cgroupDriver: "systemd" } },
      /API 1\.40; dockershim needs 1\.41/,
    ],
    [
      "an engine out of reach",
      { engine: undefined, engineProblem: "no such socket" },
      /does not answer: no such socket/,
    ],
    [
      "a kubelet with another cgroup driver",
      { kubeletCgroupDriver: "cgroupfs" },
      /kubelet's cgroup driver is cgroupfs, the engine's is systemd/,
    ],
    [
      "a socket that is in use",
      { socketInUse: "unix:///s", criDockerdPid: 7 },
      /cri-dockerd \(pid 7\) serves on unix:\/\/\/s/,
    ],
  ])("calls %s a problem", (_, changes, message) => {
    const { problems } = judgeMigration({ ...healthy, ...changes });
    expect(problems).toEqual([expect.stringMatching(message)]);
  });

  test.each<[string, Partial<MigrateFacts>, RegExp]>([
    [
      "a damaged checkpoint",
      { pods: [{ ...pod, checkpoint: "damaged" }] },
      /prod\/web \(aaaaaaaaaaaaa\) has a wrong checksum/,
    ],
    ["a pod without CNI's result", { pods: [{ ...pod, cniCache: "" }] }, /no CNI result/],
    [
      "a checkpoint without a pod",
      { orphans: [{ id: "c".repeat(64), namespace: "prod", name: "old", intact: true }] },
      /only a checkpoint is left of pod prod\/old/,
    ],
    [
      "a checkpoint that cannot be read",
      { unreadable: [{ file: "/x/sandbox/d", reason: "checkpoint: is not JSON" }] },
      /\/x\/sandbox\/d: checkpoint: is not JSON/,
    ],
  ])("warns of %s, which stops nothing", (_, changes, message) => {
    const { problems, warnings } = judgeMigration({ ...healthy, ...changes });
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringMatching(message)]);
  });

  test("expects no CNI result of a pod on the host network or of one that has ended", () => {
    const pods = [
      { ...pod, cniCache: "", hostNetwork: true },
      { ...pod, cniCache: "", pid: 0, state: "exited" },
    ];
    expect(judgeMigration({ ...healthy, pods }).warnings).toEqual([]);
  });
});

describe("flags of cri-dockerd", () => {
  test.each([
    [["--cni-bin-dir=/usr/lib/cni"], "--cni-bin-dir=/usr/lib/cni"],
    [["--cni-bin-dir", "/usr/lib/cni"], "--cni-bin-dir=/usr/lib/cni"],
    [["--container-runtime-endpoint=fd://"], "--listen=unix:///var/run/cri-dockerd.sock"],
    [["--container-runtime-endpoint=unix:///r.sock"], "--listen=unix:///r.sock"],
    [["--log-level=panic"], "--log-level=fatal"],
    [["--network-plugin=cni"], ""],
    [["--pod-infra-container-image=registry.k8s.io/pause:3.9"], ""],
    [["--ipv6-dual-stack"], ""],
    [["--no-such-flag=1"], ""],
  ])("%j becomes %j", (args, use) => {
    const flags = migrateFlags(args);
    expect(flags).toHaveLength(1);
    expect(flags[0]?.use).toBe(use);
    // A flag that is left out without a word would be a riddle.
    expect(use !== "" || flags[0]?.note !== "").toBe(true);
  });
});
