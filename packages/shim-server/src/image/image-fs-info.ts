import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { ShimContext } from "../context.js";

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

/** The engine walks its layers for the figure, so it is asked at most this often. */
const cacheMs = 30_000;

/**
 * ImageFsInfo: where the engine keeps images and containers' writable layers, and how much of it
 * is used. Both are in one filesystem with Docker's graph drivers, so the kubelet gets it twice.
 */
export function createImageFsInfo(
  context: Pick<ShimContext, "docker" | "engine" | "feed">,
): () => Promise<Reply> {
  const { docker, engine, feed } = context;
  let cached: { at: number; bytes: Promise<bigint> } | undefined;

  async function imageBytes(): Promise<bigint> {
    const usage = await docker.diskUsage({ type: ["image"] });
    return BigInt(usage.LayersSize ?? 0);
  }

  function cachedImageBytes(): Promise<bigint> {
    const now = performance.now();
    if (cached === undefined || now - cached.at > cacheMs) {
      const bytes = imageBytes();
      cached = { at: now, bytes };
      bytes.catch(() => {
        cached = undefined;
      });
    }
    return cached.bytes;
  }

  return async () => {
    await feed.ready();
    const { DockerRootDir: root, Driver: driver } = await engine.info();
    const [bytes, mountpoint] = await Promise.all([cachedImageBytes(), storagePath(root, driver)]);
    const { files, ffree } = await statfs(mountpoint, { bigint: true });
    const usage: Usage = {
      timestamp: BigInt(Date.now()) * 1_000_000n,
      fsId: { mountpoint },
      usedBytes: { value: bytes },
      inodesUsed: { value: files - ffree },
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  };
}

/** The driver's own directory when it is there: the kubelet wants a path that exists. */
async function storagePath(root: string, driver: string): Promise<string> {
  const path = join(root, driver);
  return await statfs(path).then(
    () => path,
    () => root,
  );
}
