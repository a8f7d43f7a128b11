import type { DockerClient } from "@dockershim/docker-client";
import type { ImageStore } from "../state/image-store.js";

/** What the image layers take on the disk, and when the engine said so. */
export interface LayerUsage {
  readonly bytes: bigint;
  /** Unix time in ns. */
  readonly timestamp: bigint;
}

/** The figure that is kept. */
export interface KeptLayerUsage {
  /** What the engine said last, and has it asked again when that is old; undefined before the first time. */
  last(): LayerUsage | undefined;
  /** The same, but waits for the first time. */
  get(): Promise<LayerUsage>;
}

/** The engine may walk its layers for the figure, so it is asked at most this often. */
const maxAgeMs = 30_000;

/** After a pull or a removal it is asked sooner, but not for each of many. */
const minAgeMs = 2_000;

/**
 * Keeps the engine's own figure (`GET /system/df`: `ImageUsage.TotalSize` since API 1.52, `LayersSize`
 * before 1.53).
 *
 * Engines before API 1.42 measure containers and volumes with it, which takes minutes on a full
 * node, and refuse a second such call meanwhile. So only the first caller waits; later ones get
 * the last figure, with its time, while the next one is being measured.
 */
export function createLayerUsage(parts: {
  docker: Pick<DockerClient, "diskUsage">;
  images: Pick<ImageStore, "version">;
}): KeptLayerUsage {
  const { docker, images } = parts;
  let last: { usage: LayerUsage; at: number; version: number } | undefined;
  let measuring: Promise<LayerUsage> | undefined;

  async function measure(): Promise<LayerUsage> {
    const { version } = images;
    const timestamp = BigInt(Date.now()) * 1_000_000n;
    const { ImageUsage, LayersSize } = await docker.diskUsage({ type: ["image"] });
    const usage = { bytes: BigInt(ImageUsage?.TotalSize ?? LayersSize ?? 0), timestamp };
    last = { usage, at: performance.now(), version };
    return usage;
  }

  function begin(): Promise<LayerUsage> {
    const begun = measure().finally(() => {
      measuring = undefined;
    });
    // Those who do not wait for it live on with the last figure, whose time tells its age.
    begun.catch(() => undefined);
    measuring = begun;
    return begun;
  }

  function lastOrBegin(): LayerUsage | undefined {
    const age = last === undefined ? Number.POSITIVE_INFINITY : performance.now() - last.at;
    const stale = age > maxAgeMs || (age > minAgeMs && last?.version !== images.version);
    if (stale && measuring === undefined) void begin();
    return last?.usage;
  }

  return {
    last: lastOrBegin,
    get: async () => lastOrBegin() ?? (await (measuring ?? begin())),
  };
}
