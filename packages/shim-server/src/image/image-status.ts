import type { Image, ImageStatusRequest } from "@dockershim/cri-types";
import type { DockerImages } from "@dockershim/docker-client";
import { toImage } from "@dockershim/pod-sandbox";
import type { CallContext } from "../call.js";
import type { ImageStore } from "../state/image-store.js";
import { verboseImageInfo } from "./image-verbose.js";
import type { PauseImage } from "./pause-image.js";
import { requireImage } from "./require-image.js";

/** What ImageStatus uses. */
export interface ImageStatusParts {
  readonly docker: { readonly images: Pick<DockerImages, "history"> };
  readonly images: Pick<ImageStore, "resolve">;
  readonly pauseImage: Pick<PauseImage, "pinned">;
}

/** ImageStatus: an image that is not there is no error but an empty reply. */
export function createImageStatus({
  images,
  pauseImage,
  docker,
}: ImageStatusParts): (
  request: ImageStatusRequest,
  call: CallContext,
) => Promise<{ image?: Image; info?: Record<string, string> }> {
  return async ({ image: spec, verbose }, { signal }) => {
    const reference = requireImage(spec);
    const found = await images.resolve(reference, signal);
    if (found === undefined) return {};
    const image = toImage(found, { pinned: pauseImage.pinned().has(found.Id) });
    if (!verbose) return { image };
    const history = await docker.images.history(found.Id, { signal });
    return { image, info: { info: JSON.stringify(verboseImageInfo(found, history)) } };
  };
}
