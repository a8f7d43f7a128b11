import type { Image, ListImagesRequest } from "@dockershim/cri-types";
import { toImage } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";

/**
 * ListImages: from memory; the filter names one image. Images without any name are in it, since
 * the kubelet's garbage collection finds them nowhere else.
 */
export function createImageList(
  context: Pick<ShimContext, "images" | "feed" | "pauseImage">,
): (request: Pick<ListImagesRequest, "filter">) => Promise<{ images: Image[] }> {
  const { images, feed, pauseImage } = context;
  return async ({ filter }) => {
    await feed.ready();
    const wanted = filter?.image?.image ?? "";
    const only = wanted === "" ? undefined : await images.resolve(wanted);
    if (wanted !== "" && only === undefined) return { images: [] };
    const all = only === undefined ? [...images.all()] : [only];
    const pinned = pauseImage.pinned();
    return { images: all.map((image) => toImage(image, { pinned: pinned.has(image.Id) })) };
  };
}
