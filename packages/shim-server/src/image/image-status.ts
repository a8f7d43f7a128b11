import type { Image, ImageStatusRequest } from "@dockershim/cri-types";
import { toImage } from "@dockershim/pod-sandbox";
import type { CallContext, ShimContext } from "../context.js";
import { verboseImageInfo } from "./image-verbose.js";
import { requireImage } from "./require-image.js";

/** ImageStatus: an image that is not there is no error but an empty reply. */
export function createImageStatus(
  context: Pick<ShimContext, "images" | "feed" | "pauseImage" | "docker">,
): (
  request: ImageStatusRequest,
  call: CallContext,
) => Promise<{ image?: Image; info?: Record<string, string> }> {
  const { images, feed, pauseImage, docker } = context;
  return async ({ image: spec, verbose }, { signal }) => {
    const reference = requireImage(spec);
    await feed.ready();
    const found = await images.resolve(reference, signal);
    if (found === undefined) return {};
    const image = toImage(found, { pinned: pauseImage.pinned().has(found.Id) });
    if (!verbose) return { image };
    const history = await docker.images.history(found.Id, { signal });
    return { image, info: { info: JSON.stringify(verboseImageInfo(found, history)) } };
  };
}
