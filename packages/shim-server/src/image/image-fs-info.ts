import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { EngineInfo } from "@dockershim/docker-client";
import type { ShimContext } from "../context.js";
import { createLayerUsage } from "./layer-usage.js";

interface Usage {
  timestamp: bigint;
  fsId: { mountpoint: string };
  usedBytes: { value: bigint };
  inodesUsed: { value: bigint };
}

interface Reply {
  imageFilesystems: Usage[];
  containerFilesystems: Usage[];
}

/**
 * ImageFsInfo: where the engine keeps images and containers' writable layers, and how much of it
 * is used. Both are in one filesystem with all of Docker's storage drivers, so the kubelet gets
 * it twice, as it expects of a node without a separate disk for images.
 *
 * The inodes are those of the whole filesystem: the engine counts none, and walking its layers
 * would cost more than the figure is worth.
 */
export function createImageFsInfo(
  context: Pick<ShimContext, "docker" | "engine" | "feed" | "images">,
): () => Promise<Reply> {
  const { engine, feed } = context;
  const layerUsage = createLayerUsage(context);

  return async () => {
    await feed.ready();
    const [{ bytes, timestamp }, mountpoint] = await Promise.all([
      layerUsage(),
      storagePath(await engine.info()),
    ]);
    const { files, ffree } = await statfs(mountpoint, { bigint: true });
    const usage: Usage = {
      timestamp,
      fsId: { mountpoint },
      usedBytes: { value: bytes },
      inodesUsed: { value: files - ffree },
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  };
}

/** Where a containerd that systemd runs beside the engine keeps its data, unless told otherwise. */
const containerdRoot = "/var/lib/containerd";

/**
 * The storage driver's own directory. The kubelet wants a path that exists and looks up the disk
 * that it is on; with the containerd image store that need not be the disk of Docker's data.
 */
async function storagePath(
  info: Pick<EngineInfo, "DockerRootDir" | "Driver" | "DriverStatus">,
): Promise<string> {
  const { DockerRootDir: root, Driver: driver } = info;
  const snapshotter = info.DriverStatus?.find(([key]) => key === "driver-type")?.[1];
  const candidates =
    snapshotter === undefined
      ? [join(root, driver)]
      : [
          // The engine's own containerd, then the system's.
          join(root, "containerd", "daemon", `${snapshotter}.${driver}`),
          join(containerdRoot, `${snapshotter}.${driver}`),
        ];
  for (const path of candidates) {
    if (await isDirectory(path)) return path;
  }
  return root;
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
