import { execFile } from "node:child_process";
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createCriClient } from "@dockershim/cri-client";
import { type Daemon, labFlags, labVariable, startDaemon } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runBin } from "./dockershim-bin.js";

const run = promisify(execFile);
const ip = (...args: string[]) => run("ip", args);

const lab = {
  LAB_DOCKER_ENDPOINT: labVariable("LAB_DOCKER_ENDPOINT"),
  LAB_CNI_CONF_DIR: labVariable("LAB_CNI_CONF_DIR"),
  LAB_CNI_BIN_DIR: labVariable("LAB_CNI_BIN_DIR"),
};
/** A network of this test's own: in the lab's, addresses and interfaces of pods under way look left over. */
const third = process.pid % 250;
const bridge = `dsgc${third}`;
const prefix = `10.216.${third}.`;
const gone = "9".repeat(64);
const netns = `gc-test-${process.pid}`;
const veth = `vethgc${process.pid % 100_000}`;

interface Found {
  readonly remains: readonly { readonly kind: string; readonly id: string }[];
  readonly results: readonly { readonly id: string; readonly removed: boolean }[];
}

let dir: string;
let daemon: Daemon;
let client: ReturnType<typeof createCriClient>;
let endpoint: string;
let leaseDir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-gc-"));
  endpoint = `unix://${join(dir, "cri.sock")}`;
  const confDir = join(dir, "net.d");
  await mkdir(confDir);
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: `${prefix}0/24` }]],
    dataDir: join(dir, "ipam"),
  };
  const list = {
    cniVersion: "1.0.0",
    name: bridge,
    plugins: [{ type: "bridge", bridge, isGateway: true, ipam }],
  };
  await writeFile(join(confDir, "10.conflist"), JSON.stringify(list));
  daemon = await startDaemon({
    listen: endpoint,
    flags: {
      ...labFlags({ ...lab, LAB_CNI_CONF_DIR: confDir }),
      "root-dir": join(dir, "root"),
      "restrict-oom-score-adj": "true",
    },
  });
  client = createCriClient({ endpoint });
  leaseDir = join(ipam.dataDir, bridge);
});
afterAll(async () => {
  await ip("netns", "delete", netns).catch(() => undefined);
  const { items } = await client.runtime.listPodSandbox({});
  for (const { id } of items) await client.runtime.removePodSandbox({ podSandboxId: id });
  client.close();
  await daemon.stop();
  await ip("link", "delete", bridge);
  await rm(dir, { recursive: true });
});

async function gc(...args: string[]): Promise<Found> {
  const { stdout, stderr } = await runBin(["gc", "-r", endpoint, "-o", "json", ...args]);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const found = async (...args: string[]) =>
  (await gc(...args)).remains.map(({ kind, id }) => `${kind} ${id}`);

/** The kinds that belong to this daemon alone; others' are not this test's. */
const own = ["--only", "sandboxes", "networks", "addresses", "interfaces", "records"];

async function startSandbox(name: string): Promise<string> {
  const config = {
    metadata: { name, namespace: "gc", uid: `uid-${name}-${process.pid}`, attempt: 0 },
    linux: {},
  };
  const { podSandboxId } = await client.runtime.runPodSandbox({ config });
  return podSandboxId;
}

/** A pod that is in use: with a container, which need not run. */
async function startPod(name: string): Promise<string> {
  const podSandboxId = await startSandbox(name);
  await client.runtime.createContainer({
    podSandboxId,
    sandboxConfig: { metadata: { name, namespace: "gc", uid: "u", attempt: 0 } },
    config: {
      metadata: { name: "main", attempt: 0 },
      image: { image: labVariable("LAB_IMAGE") },
      logPath: "main/0.log",
    },
  });
  return podSandboxId;
}

test("what is left is shown, kept while it is young, and removed; what is used stays", async () => {
  const used = await startPod("used");
  const cache = join(dir, "root/cni/results");
  const kept = {
    leases: await readdir(leaseDir),
    results: await readdir(cache),
  };
  const nothing = await found(...own, "--min-age", "0");
  expect(nothing).toEqual([]);

  // A sandbox that has ended and has nothing in it.
  const ended = await startSandbox("ended");
  await client.runtime.stopPodSandbox({ podSandboxId: ended });
  // A network of which the plugins were not asked for DEL: the result and the lease of another pod, under another id.
  const [result = ""] = kept.results.filter((name) => name.includes(used));
  const address = (await readFile(join(cache, result), "utf8")).replaceAll(used, gone);
  const network = join(cache, result.replace(used, gone));
  await writeFile(network, address);
  // An address of which there is no result, as where the cache was lost.
  const lease = join(leaseDir, `${prefix}251`);
  await writeFile(lease, `${"8".repeat(64)}\r\neth0`);
  // An interface whose other end is where no process is, and which no result names.
  await ip("netns", "add", netns);
  await ip("link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", netns);
  await ip("link", "set", veth, "master", bridge);
  await lstat(join("/sys/class/net", veth));
  // A position of a log whose container went while no daemon ran.
  const position = join(dir, "root/logs", `${gone}.position`);
  await mkdir(join(dir, "root/logs"), { recursive: true });
  await writeFile(position, "");

  const expected = [
    `sandboxes ${ended}`,
    `networks ${network}`,
    `addresses ${lease}`,
    `interfaces ${veth}`,
    `records ${position}`,
  ];
  expect(await found(...own)).toEqual([]);
  expect(await found(...own, "--min-age", "0")).toEqual(expected);
  // Looking has removed nothing.
  expect(await found(...own, "--min-age", "0")).toEqual(expected);

  const { results } = await gc(...own, "--min-age", "0", "--yes");
  expect(results.map(({ id, removed }) => [id, removed])).toEqual(
    expected.map((each) => [each.split(" ")[1], true]),
  );
  expect(await found(...own, "--min-age", "0")).toEqual([]);
  expect((await readdir(cache)).toSorted()).toEqual(kept.results.toSorted());
  const leases = await readdir(leaseDir);
  expect(leases.filter((name) => !kept.leases.includes(name))).toEqual([]);
  const { items } = await client.runtime.listPodSandbox({});
  expect(items.map(({ id }) => id)).toEqual([used]);
});

test("with the daemon away, nothing of its own is looked at", async () => {
  const config = join(dir, "config.yaml");
  await writeFile(
    config,
    `listen: unix://${dir}/none.sock\nrootDir: ${dir}/root\ndockerEndpoint: ${lab.LAB_DOCKER_ENDPOINT}\n`,
  );
  const { stdout, code } = await runBin(["gc", "--config", config, "--min-age", "0"]);
  expect(stdout).toMatch(/networks, .*records.*: the daemon does not run/);
  expect(code).toBe(0);
});

test("images that are used are in no list of unused ones", async () => {
  const { images } = await client.image.listImages({});
  const [busybox] = images.filter(({ repoTags }) => repoTags.includes(labVariable("LAB_IMAGE")));
  expect(busybox).toBeDefined();
  expect(await found("--only", "images")).not.toContain(`images ${busybox?.id}`);
});

test("df counts images, containers, logs and the daemon's own files", async () => {
  const { stdout, stderr, code } = await runBin(["df", "-r", endpoint, "-o", "json"]);
  expect({ stderr, code }).toEqual({ stderr: "", code: 0 });
  const { usage, fileSystems, notKnown } = JSON.parse(stdout);
  const { images } = await client.image.listImages({});
  expect(notKnown).toEqual([]);
  expect(usage).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "images", total: images.length, active: expect.any(Number) }),
      expect.objectContaining({ kind: "containers", total: 1, active: 0 }),
      expect.objectContaining({ kind: "volumes" }),
      expect.objectContaining({ kind: "build cache" }),
      expect.objectContaining({ kind: "daemon", total: 1, reclaimable: 0 }),
    ]),
  );
  const [busybox] = usage.filter(({ kind }: { kind: string }) => kind === "images");
  expect(busybox.active).toBeGreaterThanOrEqual(1);
  expect(fileSystems.map(({ use }: { use: string }) => use)).toContain("images and containers");
});
