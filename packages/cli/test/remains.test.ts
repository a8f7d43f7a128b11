import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { OpenNode } from "../src/node/open-node.js";
import { type FoundRemains, removeRemain } from "../src/node-remains/find-remains.js";
import {
  type CachedResult,
  type ListedContainer,
  type ListedSandbox,
  type NetworkUse,
  orphanedAddresses,
  orphanedContainers,
  orphanedInterfaces,
  orphanedLogs,
  orphanedMounts,
  orphanedNetworks,
  orphanedRecords,
  orphanedSandboxes,
} from "../src/node-remains/judge-remains.js";
import { readLiveAddresses, shortestV6 } from "../src/node-remains/live-addresses.js";
import type { RemainKind } from "../src/node-remains/remain-kinds.js";
import { describeRemains } from "../src/node-remains/remains-report.js";
import { sampleNow } from "./sample-runtime.js";

const hour = 3_600_000;
const olderThan = sampleNow - hour;
const old = { since: sampleNow - 2 * hour };
const young = { since: sampleNow - 60_000 };
const [gone, alive] = ["9".repeat(64), "a".repeat(64)];
const known = new Set([alive]);

const ids = (remains: readonly { readonly id: string }[]) => remains.map(({ id }) => id);

const sandbox = (change: Partial<ListedSandbox> = {}): ListedSandbox => ({
  ...{ id: "s1", namespace: "default", name: "web", uid: "u1", ready: false, ...old },
  ...change,
});
const container = (change: Partial<ListedContainer> = {}): ListedContainer => ({
  ...{ id: "c1", sandboxId: "s1", name: "nginx", running: false, ...old },
  ...change,
});

test.each<[string, ListedSandbox, ListedContainer[], ReadonlySet<string> | undefined, boolean]>([
  ["that the kubelet does not know", sandbox(), [], new Set(["u2"]), true],
  ["that runs and the kubelet does not know", sandbox({ ready: true }), [], new Set(["u2"]), true],
  ["that the kubelet knows", sandbox(), [], new Set(["u1"]), false],
  ["with a container, an ended one too", sandbox(), [container()], new Set(["u2"]), false],
  ["that is young", sandbox(young), [], new Set(["u2"]), false],
  ["that has ended, without a kubelet", sandbox(), [], undefined, true],
  // Somebody made it by hand.
  ["that runs, without a kubelet", sandbox({ ready: true }), [], undefined, false],
])("a sandbox %s", (_, one, containers, kubeletPods, expected) => {
  const found = orphanedSandboxes([one], containers, kubeletPods, olderThan);
  expect(ids(found)).toEqual(expected ? ["s1"] : []);
});

test.each<[string, ListedContainer, ListedSandbox[], boolean]>([
  ["that has lost its sandbox", container(), [], true],
  ["whose sandbox is there", container(), [sandbox()], false],
  ["that runs", container({ running: true }), [], false],
  ["that is young", container(young), [], false],
])("a container %s", (_, one, sandboxes, expected) => {
  expect(ids(orphanedContainers(sandboxes, [one], olderThan))).toEqual(expected ? ["c1"] : []);
});

const result = (change: Partial<CachedResult> = {}): CachedResult => ({
  ...{ file: "/r/1", containerId: gone, network: "pods", own: true, complete: true },
  ...{ interfaces: ["cni0", "veth1"], ...old },
  ...change,
});

test.each<[string, CachedResult, boolean]>([
  ["of a sandbox that is gone", result(), true],
  ["of one that was begun and is gone", result({ complete: false }), true],
  ["of a sandbox that is there", result({ containerId: alive }), false],
  ["of another runtime", result({ own: false }), false],
  ["that is young", result(young), false],
])("a network %s", (_, one, expected) => {
  expect(ids(orphanedNetworks([one], known, olderThan))).toEqual(expected ? ["/r/1"] : []);
});

const use = (change: Partial<NetworkUse> = {}): NetworkUse => ({
  ...{ known, results: [], networks: new Set(["pods"]), bridges: new Set(["cni0"]) },
  ...change,
});
const lease = { file: "/l/10.0.0.9", network: "pods", address: "10.0.0.9", id: gone, ...old };

const live = new Set(["10.0.0.7"]);

test.each<[string, Partial<typeof lease>, NetworkUse, boolean]>([
  ["of a sandbox that is gone", {}, use(), true],
  ["of a sandbox that is there", { id: alive }, use(), false],
  ["of a network that is not ours", { network: "other" }, use(), false],
  // The plugins give it back, or it is another runtime's.
  ["that a result tells of", {}, use({ results: [result({ own: false })] }), false],
  // It may be of a daemon with another engine.
  ["that somebody has", { address: "10.0.0.7" }, use(), false],
  ["that is young", young, use(), false],
])("an address %s", (_, change, used, expected) => {
  const found = orphanedAddresses([{ ...lease, ...change }], used, live, olderThan);
  expect(ids(found)).toEqual(expected ? ["/l/10.0.0.9"] : []);
});

test("addresses of namespaces are found, of both families", async () => {
  const live = readLiveAddresses("/proc");
  expect([...live]).toEqual(expect.arrayContaining(["127.0.0.1"]));
  const proc = await mkdtemp(join(tmpdir(), "live-addresses-"));
  try {
    await mkdir(join(proc, "12/ns"), { recursive: true });
    await mkdir(join(proc, "12/net"));
    await writeFile(join(proc, "12/ns/net"), "");
    const trie = [
      "Main:",
      "  +-- 10.0.0.0/24 2 0 2",
      "        |-- 10.0.0.0",
      "           /24 link UNICAST",
      "        |-- 10.0.0.9",
      "           /32 link BROADCAST",
      "           /32 host LOCAL",
      "        |-- 10.0.0.255",
      "           /32 link BROADCAST",
    ];
    await writeFile(join(proc, "12/net/fib_trie"), `${trie.join("\n")}\n`);
    await writeFile(
      join(proc, "12/net/if_inet6"),
      "fd000000000000000000000000000009 02 40 00 80 eth0\n",
    );
    expect([...readLiveAddresses(proc)]).toEqual(["10.0.0.9", "fd00::9"]);
  } finally {
    await rm(proc, { recursive: true });
  }
});

test.each([
  ["fd00:0000:0000::0009", "fd00::9"],
  ["10.0.0.9", "10.0.0.9"],
  [":::", ":::"],
])("%s is written %s", (address, shortest) => {
  expect(shortestV6(address)).toBe(shortest);
});

const plugged = { name: "veth1", bridge: "cni0", isUsed: false, ...old };

test.each<[string, Partial<typeof plugged>, NetworkUse, boolean]>([
  ["whose other end no process has", {}, use(), true],
  ["whose other end a process has", { isUsed: true }, use(), false],
  ["on a bridge that is not ours", { bridge: "docker0" }, use(), false],
  ["that a result tells of", {}, use({ results: [result()] }), false],
  // Its interface is in no result yet.
  [
    "while plugins work",
    {},
    use({ results: [result({ complete: false, interfaces: undefined })] }),
    false,
  ],
  ["that is young", young, use(), false],
])("an interface %s", (_, change, used, expected) => {
  const found = orphanedInterfaces([{ ...plugged, ...change }], used, olderThan);
  expect(ids(found)).toEqual(expected ? ["veth1"] : []);
});

const record = { file: "/p", containerId: gone, kind: "log position", size: 1024, ...old };

test.each<[string, Partial<typeof record>, boolean]>([
  ["of a container that is gone", {}, true],
  ["of a container that is there", { containerId: alive }, false],
  ["that is young", young, false],
])("a record %s", (_, change, expected) => {
  const found = orphanedRecords([{ ...record, ...change }], known, olderThan);
  expect(ids(found)).toEqual(expected ? ["/p"] : []);
});

const folder = { path: "/var/log/pods/a_b_u1", namespace: "a", name: "b", uid: "u1", ...old };

test.each<[string, object, ReadonlySet<string>, ReadonlySet<string> | undefined, boolean]>([
  ["of a pod that nobody has", {}, new Set(["u2"]), new Set(["u2"]), true],
  ["of a pod that the runtime has", {}, new Set(["u1"]), new Set(["u2"]), false],
  ["of a pod that the kubelet has", {}, new Set([]), new Set(["u1"]), false],
  ["that were written to lately", young, new Set([]), new Set([]), false],
])("logs %s", (_, change, uids, kubeletPods, expected) => {
  const found = orphanedLogs([{ ...folder, ...change }], uids, kubeletPods, olderThan);
  expect(ids(found)).toEqual(expected ? [folder.path] : []);
});

test("a mount is left when the engine does not have its container", () => {
  const mounts = [gone, alive].map((containerId) => ({
    path: `/m/${containerId}`,
    containerId,
  }));
  expect(ids(orphanedMounts(mounts, known))).toEqual([`/m/${gone}`]);
});

const kind = (name: RemainKind["name"], shared = false, removedBy?: string): RemainKind => ({
  ...{ name, shared, ...(removedBy !== undefined && { removedBy }) },
  find: async () => [],
  remove: async () => undefined,
});
const images = [
  {
    id: "i",
    what: "nginx:1.29",
    why: "no container is made of it",
    since: undefined,
    size: 4_270_000,
  },
];
const everything: FoundRemains[] = [
  {
    kind: kind("sandboxes"),
    remains: orphanedSandboxes([sandbox()], [], new Set(), olderThan),
    skipped: undefined,
  },
  {
    kind: kind("addresses"),
    remains: orphanedAddresses([lease], use(), live, olderThan),
    skipped: undefined,
  },
  {
    kind: kind("records"),
    remains: orphanedRecords([record], known, olderThan),
    skipped: undefined,
  },
  {
    kind: kind("logs"),
    remains: [],
    skipped: "they are a kubelet's, and there is none on this node",
  },
  { kind: kind("images", true), remains: images, skipped: undefined },
  {
    kind: kind("build-cache", true, "docker builder prune"),
    remains: [
      {
        ...images[0],
        id: "b",
        what: "3 steps of builds",
        why: "",
        since: undefined,
        size: 12_000_000,
      },
    ],
    skipped: undefined,
  },
];

test("what has changed since it was found is kept", async () => {
  const removed: string[] = [];
  const remain = { id: "i", what: "i", why: "w", since: undefined };
  const changing = (now: Awaited<ReturnType<RemainKind["find"]>>): RemainKind => ({
    ...kind("networks"),
    find: async () => now,
    remove: async (_, { id }) => void removed.push(id),
  });
  const node = {} as OpenNode;
  const outcomes = [
    await removeRemain(node, changing([]), remain, 0),
    await removeRemain(node, changing({ skipped: "the engine is away" }), remain, 0),
  ];
  expect(outcomes).toEqual([{ removed: false }, { removed: false, error: "the engine is away" }]);
  expect(removed).toEqual([]);
  expect(await removeRemain(node, changing([remain]), remain, 0)).toEqual({ removed: true });
  expect(removed).toEqual(["i"]);
});

test("this is what a person sees", () => {
  expect(describeRemains(everything, sampleNow, undefined)).toMatchSnapshot();
});

test("and this, when images were asked for", () => {
  const asked = everything.filter(({ kind: { name } }) => name === "images");
  expect(describeRemains(asked, sampleNow, ["images"])).toMatchSnapshot();
});

test("where nothing is left, that is said", () => {
  expect(describeRemains([], sampleNow, undefined)).toBe("Nothing was found that nobody knows.\n");
});
