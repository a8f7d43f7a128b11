import type { PullImageRequest } from "@dockershim/cri-types";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { asImageId } from "../state/image-reference.js";
import { toRegistryAuth } from "./registry-credentials.js";
import { requireImage } from "./require-image.js";

/**
 * PullImage: pulls through the engine and answers with the image id that ImageStatus, ListImages
 * and the statuses of containers report.
 */
export function createImagePull(
  context: Pick<ShimContext, "pull" | "feed" | "log">,
): (request: PullImageRequest, call: CallContext) => Promise<{ imageRef: string }> {
  const { pull, feed, log } = context;
  return async ({ image, auth }, { signal }) => {
    const reference = requireImage(image);
    if (asImageId(reference) !== undefined) {
      throw new ShimError("invalid_argument", "image.image: an id, by which no registry knows it");
    }
    const credentials = toRegistryAuth(auth, reference);
    if (auth !== undefined && credentials === undefined) {
      const { serverAddress } = auth;
      log.warn({ image: reference, serverAddress }, "credentials are empty or for another server");
    }
    await feed.ready();
    const { Id: imageRef } = await pull(reference, credentials, signal);
    return { imageRef };
  };
}
