import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createDockerClient, type DockerClient } from "@dockershim/docker-client";
import { imageTarOf, labVariable, until } from "@dockershim/testing";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openNode } from "../src/node/open-node.js";
import { findRemains, removeRemain } from "../src/node-remains/find-remains.js";
import { startRealRuntime } from "./real-runtime.js";

// Each kind of remains that needs no network of pods, planted on a real engine: seen with its size, removed, and what is
// in use beside it spared. The kubelet's and cri-dockerd's files are below a folder.

const run = promisify(execFile);
const gone = "7".repeat(64);
const megabyte = 1_048_576;

interface Found {
  readonly remains: readonly {
    readonly kind: string;
    readonly id: string;
    readonly size?: number;
  }[];
  readonly results: readonly { readonly id: string; readonly removed: boolean }[];
}

let runtime: Awaited<ReturnType<typeof startRealRuntime>>;
let docker: DockerClient;
/** The node's files are below it. */
let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "cli-gc-kinds-"));
  runtime = await startRealRuntime();
  docker = createDockerClient({ endpoint: labVariable("LAB_DOCKER_ENDPOINT") });
});
afterAll(async () => {
  await docker.close();
  await runtime.close();
  await rm(root, { recursive: true });
});

async function gc(kind: string, ...args: string[]): Promise<Found> {
  const all = ["gc", "-r", runtime.endpoint, "-o", "json", "--min-age", "0", "--only", kind];
  const { stdout, stderr } = await runtime.dockershim(...all, ...args);
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

/** What is found of a kind, by its id, with its size. */
async function sizes(kind: string, ...args: string[]): Promise<Map<string, number | undefined>> {
  const { remains } = await gc(kind, ...args);
  return new Map(remains.map(({ id, size }) => [id, size]));
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** A file of the node's. */
async function put(file: string, content: string | Buffer): Promise<string> {
  const path = join(root, file);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  return path;
}

test("a container that has lost its sandbox, not one that only has ended", async () => {
  const fill = ["sh", "-c", "head -c 1048576 /dev/zero > /filled; sync"];
  const kept = await runtime.startPod("kept", fill);
  const lost = await runtime.startPod("lost", fill);
  const hasEnded = async ({ containerId }: typeof lost): Promise<boolean> =>
    (await docker.containers.inspect(containerId)).State.Status === "exited";
  await until(async () => (await hasEnded(kept)) && (await hasEnded(lost)));
  // Behind everybody's back: CRI removes a sandbox with its containers.
  await docker.containers.remove(lost.podSandboxId, { force: true });
  const { items } = await runtime.client.runtime.listPodSandbox({});
  expect(items.map(({ id }) => id)).toEqual([kept.podSandboxId]);

  const found = await sizes("containers");
  expect([...found.keys()]).toEqual([lost.containerId]);
  expect(found.get(lost.containerId)).toBeGreaterThanOrEqual(megabyte);
  expect(await hasEnded(lost)).toBe(true);

  const { results } = await gc("containers", "--yes");
  expect(results).toMatchObject([{ id: lost.containerId, removed: true }]);
  const { containers } = await runtime.client.runtime.listContainers({});
  expect(containers.map(({ id }) => id)).toEqual([kept.containerId]);
});

test("logs of a pod that neither runtime nor kubelet has", async () => {
  await runtime.startPod("logging");
  const { items } = await runtime.client.runtime.listPodSandbox({});
  const uid = items.find(({ metadata }) => metadata?.name === "logging")?.metadata?.uid;
  await put("var/lib/kubelet/config.yaml", "kind: KubeletConfiguration\n");
  await mkdir(join(root, "var/lib/kubelet/pods/uid-coming"), { recursive: true });
  const log = (folder: string) => put(`var/log/pods/${folder}/main/0.log`, Buffer.alloc(megabyte));
  await log(`default_logging_${uid}`);
  await log("default_coming_uid-coming");
  await log("default_forgotten_uid-forgotten");
  const folder = join(root, "var/log/pods/default_forgotten_uid-forgotten");

  const found = await sizes("logs", "--root", root);
  expect([...found.keys()]).toEqual([folder]);
  expect(found.get(folder)).toBeGreaterThanOrEqual(megabyte);
  expect(await isThere(folder)).toBe(true);

  await gc("logs", "--root", root, "--yes");
  expect((await readdir(join(root, "var/log/pods"))).toSorted()).toEqual(
    ["default_coming_uid-coming", `default_logging_${uid}`].toSorted(),
  );
});

test("checkpoints of cri-dockerd's of a sandbox that the engine does not have", async () => {
  const { podSandboxId } = await runtime.startPod("checkpointed");
  const text = '{"version":"v1","name":"web","namespace":"prod","data":{},"checksum":2305795928}';
  const used = await put(`var/lib/cri-dockerd/sandbox/${podSandboxId}`, text);
  const left = await put(`var/lib/cri-dockerd/sandbox/${gone}`, text);

  const found = await sizes("checkpoints", "--root", root);
  expect([...found.keys()]).toEqual([left]);
  expect(found.get(left)).toBeGreaterThan(0);
  expect(await isThere(left)).toBe(true);

  await gc("checkpoints", "--root", root, "--yes");
  expect([await isThere(left), await isThere(used)]).toEqual([false, true]);
});

test("a mount in the folder of a container that the engine does not have", async () => {
  const { podSandboxId } = await runtime.startPod("mounted");
  const mounts = async (): Promise<string[]> =>
    (await readFile("/proc/self/mountinfo", "utf8"))
      .split("\n")
      .map((line) => line.split(" ")[4] ?? "");
  const { DockerRootDir: engineDir } = await docker.info();
  const folder = join(engineDir, "containers", gone);
  const left = join(folder, "mounts/shm");
  await mkdir(left, { recursive: true });
  await run("mount", ["-t", "tmpfs", "-o", "size=64k", "shm", left]);
  try {
    const used = (await mounts()).filter((path) => path.includes(podSandboxId));
    // What the pod's containers share of memory.
    expect(used).toContain(join(engineDir, "containers", podSandboxId, "mounts/shm"));

    const found = await sizes("mounts");
    expect([...found.keys()]).toContain(left);
    expect(used.filter((path) => found.has(path))).toEqual([]);
    expect(await mounts()).toContain(left);

    const { results } = await gc("mounts", "--yes");
    expect(results).toContainEqual(expect.objectContaining({ id: left, removed: true }));
    const now = await mounts();
    expect(now).not.toContain(left);
    expect(now).toEqual(expect.arrayContaining(used));
  } finally {
    await run("umount", [left]).catch(() => undefined);
    await rm(folder, { recursive: true });
  }
});

test("an image that no container of anybody's is made of", async () => {
  const name = (what: string): string => `test.invalid/gc-${what}-${process.pid}:1`;
  for (const what of ["used", "unused"]) await docker.images.load(imageTarOf(name(what), {}));
  const [used, unused] = await Promise.all(
    ["used", "unused"].map(async (what) => (await docker.images.inspect(name(what))).Id),
  );
  // Docker's own, which CRI does not list.
  const { Id: container } = await docker.containers.create({ Image: name("used") });
  const node = await openNode({
    root: "",
    path: process.env.PATH ?? "",
    configFile: undefined,
    endpoint: runtime.endpoint,
  });
  try {
    const found = await sizes("images");
    expect(found.has(used ?? "")).toBe(false);
    expect(found.get(unused ?? "")).toBeGreaterThan(0);
    expect((await docker.images.inspect(name("unused"))).Id).toBe(unused);

    // By itself: other tests on this engine have images that nothing is made of, too.
    const [images] = await findRemains(node, ["images"], Date.now());
    const own = images?.remains.find(({ id }) => id === unused);
    if (images === undefined || own === undefined) throw new Error("it was not found again");
    // One that has come into use since it was found is kept.
    const { Id: late } = await docker.containers.create({ Image: name("unused") });
    const kept = await removeRemain(node, images.kind, own, Date.now());
    expect(kept).toEqual({ removed: false });
    await docker.containers.remove(late);
    expect(await removeRemain(node, images.kind, own, Date.now())).toEqual({ removed: true });
    await expect(docker.images.inspect(name("unused"))).rejects.toThrow();
    expect((await docker.images.inspect(name("used"))).Id).toBe(used);
  } finally {
    await node.close();
    await docker.containers.remove(container);
    await docker.images.remove(name("used"));
  }
});
