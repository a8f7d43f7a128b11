import { statfsSync } from "node:fs";
import { ImageFsInfoResponseSchema } from "@dockershim/cri-types";
import type { DockerClient } from "@dockershim/docker-client";
import { encode, type HotCall } from "../messages/encoded.js";
import type { Engine } from "../state/engine.js";
import type { ImageStore } from "../state/image-store.js";
import { createStoragePath } from "../state/storage-path.js";
import { createLayerUsage, type LayerUsage } from "./layer-usage.js";

/** What ImageFsInfo uses. */
export interface ImageFsInfoParts {
  readonly docker: Pick<DockerClient, "diskUsage">;
  readonly engine: Pick<Engine, "known">;
  readonly images: Pick<ImageStore, "version">;
}

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
 * would cost more than the figure is worth. The kernel has them in memory, for the layers of images
 * are on no network's disk; so once the engine has told what the layers take, nothing is waited for.
 */
export function createImageFsInfo(parts: ImageFsInfoParts): {
  readonly handler: () => Promise<Reply>;
  readonly hot: HotCall;
} {
  const layers = createLayerUsage(parts);
  const storagePath = createStoragePath(parts.engine);

  function replyOf({ bytes, timestamp }: LayerUsage): Reply {
    const mountpoint = storagePath();
    const { files, ffree } = statfsSync(mountpoint, { bigint: true });
    const usage: Usage = {
      timestamp,
      fsId: { mountpoint },
      usedBytes: { value: bytes },
      inodesUsed: { value: files - ffree },
    };
    return { imageFilesystems: [usage], containerFilesystems: [usage] };
  }

  return {
    handler: async () => replyOf(await layers.get()),
    hot: {
      when: () => layers.last() !== undefined,
      reply: () => [encode(ImageFsInfoResponseSchema, replyOf(layers.last() as LayerUsage))],
    },
  };
}
