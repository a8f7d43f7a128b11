import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CriClient } from "@dockershim/cri-client";
import { ContainerState } from "@dockershim/cri-types";
import type { DiskFacts } from "../check/check-facts.js";
import { readDisks } from "../check/read-node.js";
import type { OpenNode } from "../node/open-node.js";
import { usualLogsDir } from "../node/read-kubelet.js";
import { measureTree, readLogFolders } from "../node-remains/read-files.js";
import { readKubeletPods } from "../node-remains/read-kubelet-pods.js";
import { readImageUse } from "../objects/image-use.js";
import type { UsageFacts } from "./usage-rows.js";

/** What takes room on a node, and the file systems that it is on. */
export interface NodeUsage {
  readonly facts: readonly UsageFacts[];
  readonly disks: readonly DiskFacts[];
}

/** Measures what pods, images, logs and the daemon take. Nothing is changed. */
export async function readUsage(node: OpenNode): Promise<NodeUsage> {
  const { client, docker, runtime, dockerProblem, root, options } = node;
  const ofRuntime = async (
    kind: string,
    read: (client: CriClient) => Promise<Omit<UsageFacts, "kind">>,
  ): Promise<UsageFacts> => {
    if (client === undefined) return unknown(kind, `nobody serves on ${runtime.endpoint}`);
    return { kind, ...(await read(client)) };
  };
  const facts = [
    await ofRuntime("images", (cri) => readImages(cri, node)),
    await ofRuntime("containers", readContainers),
    await ofRuntime("logs", (cri) => readLogs(cri, node)),
  ];
  if (runtime.kind !== "other") {
    const { bytes: size } = await measureTree(join(root, options.rootDir));
    facts.push(
      ...(docker === undefined
        ? [unknown("volumes", dockerProblem), unknown("build cache", dockerProblem)]
        : await readEngineUsage(docker)),
      { kind: "daemon", things: [{ size, active: true }] },
    );
  }
  return { facts, disks: await readFileSystems(node) };
}

function unknown(kind: string, skipped: string): UsageFacts {
  return { kind, things: [], skipped };
}

/** In use is what a container of any owner is made of, and what the runtime keeps. */
async function readImages(
  client: CriClient,
  { docker }: OpenNode,
): Promise<Omit<UsageFacts, "kind">> {
  const [images, { imageFilesystems }, own] = await Promise.all([
    readImageUse(client),
    client.image.imageFsInfo({}),
    docker?.containers.list({ all: true }) ?? [],
  ]);
  const used = new Set(own.map(({ ImageID }) => ImageID));
  const sizes = imageFilesystems.map(({ usedBytes }) => Number(usedBytes?.value ?? 0n));
  const size = sizes.reduce((sum, each) => sum + each, 0);
  return {
    things: images.map(({ image, isUsed }) => ({
      size: Number(image.size),
      active: isUsed || used.has(image.id),
    })),
    size: size === 0 ? undefined : size,
  };
}

/** Writable layers. */
async function readContainers(client: CriClient): Promise<Omit<UsageFacts, "kind">> {
  const [{ containers }, { stats }] = await Promise.all([
    client.runtime.listContainers({}),
    client.runtime.listContainerStats({}),
  ]);
  const layers = new Map(
    stats.map(({ attributes, writableLayer }) => [
      attributes?.id ?? "",
      Number(writableLayer?.usedBytes?.value ?? 0n),
    ]),
  );
  return {
    things: containers.map(({ id, state }) => ({
      size: layers.get(id) ?? 0,
      active: state === ContainerState.CONTAINER_RUNNING,
    })),
  };
}

/** Of the kubelet's pods, a folder each. */
async function readLogs(client: CriClient, node: OpenNode): Promise<Omit<UsageFacts, "kind">> {
  const folders = await readLogFolders(logsDirOf(node));
  const { items } = await client.runtime.listPodSandbox({});
  const uids = new Set(items.map(({ metadata }) => metadata?.uid));
  const kubeletPods = await readKubeletPods(node);
  const things = await Promise.all(
    folders.map(async ({ path, uid }) => ({
      size: (await measureTree(path)).bytes,
      active: uids.has(uid) || kubeletPods?.has(uid) === true,
    })),
  );
  return { things };
}

async function readEngineUsage(docker: NonNullable<OpenNode["docker"]>): Promise<UsageFacts[]> {
  const { Volumes, BuildCache } = await docker.diskUsage({ type: ["volume", "build-cache"] });
  return [
    {
      kind: "volumes",
      things: (Volumes ?? []).map(({ UsageData: usage }) => ({
        // -1 is what the engine has not measured.
        size: Math.max(0, usage?.Size ?? 0),
        active: (usage?.RefCount ?? 0) > 0,
      })),
    },
    {
      kind: "build cache",
      things: (BuildCache ?? []).map(({ Size: size, InUse: active }) => ({ size, active })),
    },
  ];
}

function logsDirOf({ root, kubelet: { settings } }: OpenNode): string {
  return join(root, typeof settings === "object" ? settings.podLogsDir : usualLogsDir);
}

async function readFileSystems(node: OpenNode): Promise<DiskFacts[]> {
  const { root, client, docker, options, runtime, kubelet } = node;
  const info = await docker?.info();
  const { imageFilesystems } = (await client?.image.imageFsInfo({})) ?? { imageFilesystems: [] };
  const images = new Set([
    ...imageFilesystems.flatMap(({ fsId }) => fsId?.mountpoint || []),
    ...(info === undefined ? [] : [info.DockerRootDir]),
  ]);
  const mountInfo = await readFile(join(root, "/proc/self/mountinfo"), "utf8").catch(() => "");
  const disks = [
    ...[...images].map(
      (path) => ({ path, use: "images and containers", signal: "imagefs" }) as const,
    ),
    { path: logsDirOf(node).slice(root.length), use: "logs", signal: "nodefs" } as const,
    { path: kubelet.rootDir, use: "volumes of pods", signal: "nodefs" } as const,
    ...(runtime.kind === "other"
      ? []
      : [{ path: options.rootDir, use: "the daemon", signal: "nodefs" } as const]),
  ];
  return await readDisks(disks, root, mountInfo);
}
