import type { PullImageRequest } from "@dockershim/cri-types";
import type { Logger } from "pino";
import type { CallContext } from "../call.js";
import { ShimError } from "../shim-error.js";
import { asImageId } from "../state/image-reference.js";
import type { EnginePull } from "./engine-pull.js";
import { canonicalHost, toRegistryAuth } from "./registry-credentials.js";
import { requireImage } from "./require-image.js";

/** What PullImage uses. */
export interface ImagePullParts {
  readonly pull: EnginePull;
  readonly log: Pick<Logger, "warn">;
}

/**
 * PullImage: pulls through the engine and answers with the image id that ImageStatus, ListImages
 * and the statuses of containers report.
 */
export function createImagePull({
  pull,
  log,
}: ImagePullParts): (
  request: PullImageRequest,
  call: CallContext,
) => Promise<{ imageRef: string }> {
  return async ({ image, auth }, { signal }) => {
    const reference = requireImage(image);
    if (asImageId(reference) !== undefined) {
      throw new ShimError("invalid_argument", "image.image: an id, by which no registry knows it");
    }
    const credentials = toRegistryAuth(auth, reference);
    if (auth !== undefined && credentials === undefined) {
      const server = canonicalHost(auth.serverAddress);
      log.warn({ image: reference, server }, "credentials are empty or for another server");
    }
    const { Id: imageRef } = await pull(reference, credentials, signal);
    return { imageRef };
  };
}
