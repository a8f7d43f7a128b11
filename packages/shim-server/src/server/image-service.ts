import type { ConnectRouter } from "@connectrpc/connect";
import { ImageService } from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { createImageFsInfo } from "../image/image-fs-info.js";
import { createImageList } from "../image/image-list.js";
import { createImagePull } from "../image/image-pull.js";
import { createImageRemove } from "../image/image-remove.js";
import { createImageStatus } from "../image/image-status.js";
import { createImageStream } from "./streaming-lists.js";

/** Binds CRI's ImageService to its handlers; a method without one answers UNIMPLEMENTED. */
export function registerImageService(router: ConnectRouter, context: ShimContext): void {
  router.service(ImageService, {
    listImages: createImageList(context),
    imageStatus: createImageStatus(context),
    pullImage: createImagePull(context),
    removeImage: createImageRemove(context),
    streamImages: createImageStream(context),
    imageFsInfo: createImageFsInfo(context),
  });
}
