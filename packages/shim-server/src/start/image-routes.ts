import type { ImageService } from "@dockershim/cri-types";
import { createImageFsInfo, type ImageFsInfoParts } from "../image/image-fs-info.js";
import { createImageList, type ImageListParts } from "../image/image-list.js";
import { createImagePull, type ImagePullParts } from "../image/image-pull.js";
import { createImageRemove, type ImageRemoveParts } from "../image/image-remove.js";
import { createImageStatus, type ImageStatusParts } from "../image/image-status.js";
import { createImageStream } from "../image/image-stream.js";
import type { Routes } from "../server/route.js";

/** What the handlers of ImageService use, all together. */
export type ImageRouteParts = ImageFsInfoParts &
  ImageListParts &
  ImagePullParts &
  ImageRemoveParts &
  ImageStatusParts;

/** How each method of CRI's ImageService is answered. */
export function imageRoutes(parts: ImageRouteParts): Routes<typeof ImageService> {
  return {
    listImages: { handler: createImageList(parts), needs: "store" },
    streamImages: { handler: createImageStream(parts), needs: "store" },
    imageStatus: { handler: createImageStatus(parts), needs: "store" },
    pullImage: { handler: createImagePull(parts), needs: "store" },
    removeImage: { handler: createImageRemove(parts), needs: "store" },
    imageFsInfo: { ...createImageFsInfo(parts), needs: "store" },
  };
}
