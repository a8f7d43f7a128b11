import type { Image, ListImagesRequest } from "@dockershim/cri-types";
import { toImage } from "@dockershim/pod-sandbox";
import type { ImageStore } from "../state/image-store.js";
import type { PauseImage } from "./pause-image.js";
import { refuseCredentials } from "./require-image.js";

/** What ListImages uses. */
export interface ImageListParts {
  readonly images: Pick<ImageStore, "all" | "resolve">;
  readonly pauseImage: Pick<PauseImage, "pinned">;
}

/**
 * ListImages: from memory; the filter names one image. Images without any name are in it, since
 * the kubelet's garbage collection finds them nowhere else.
 */
export function createImageList({
  images,
  pauseImage,
}: ImageListParts): (request: Pick<ListImagesRequest, "filter">) => Promise<{ images: Image[] }> {
  return async ({ filter }) => {
    const wanted = filter?.image?.image ?? "";
    refuseCredentials(wanted, "filter.image.image");
    const only = wanted === "" ? undefined : await images.resolve(wanted);
    if (wanted !== "" && only === undefined) return { images: [] };
    const all = only === undefined ? [...images.all()] : [only];
    const pinned = pauseImage.pinned();
    return { images: all.map((image) => toImage(image, { pinned: pinned.has(image.Id) })) };
  };
}
