import type { RemoveImageRequest } from "@dockershim/cri-types";
import { isDockerError } from "@dockershim/docker-client";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { requireImage } from "./require-image.js";

/**
 * RemoveImage: the image with all its names, as CRI means it; one that is not there is fine.
 *
 * Docker removes an image by id only while it has one name, so the names go first. An image that
 * a container uses is refused by the engine, and then keeps all its names.
 */
export function createImageRemove(
  context: Pick<ShimContext, "docker" | "images" | "feed">,
): (request: RemoveImageRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, images, feed } = context;

  async function remove(reference: string, signal: AbortSignal): Promise<void> {
    try {
      await docker.images.remove(reference, { signal });
    } catch (err) {
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  return async ({ image: spec }, { signal }) => {
    const reference = requireImage(spec);
    await feed.ready();
    const image = await images.resolve(reference, signal);
    if (image === undefined) return {};
    const tags = image.RepoTags ?? [];
    try {
      if (tags.length > 1) await requireUnused(context, image.Id, signal);
      for (const tag of tags) await remove(tag, signal);
      // Names by digest, and images without any name, are left after the tags.
      await remove(image.Id, signal);
    } finally {
      await images.refresh();
    }
    return {};
  };
}

/** Removing one of several names always works, so the last one would fail too late. */
async function requireUnused(
  { docker }: Pick<ShimContext, "docker">,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const users = await docker.containers.list({ all: true, filters: { ancestor: [id] }, signal });
  const user = users[0];
  if (user === undefined) return;
  throw new ShimError("failed_precondition", `image ${id} is in use by container ${user.Id}`);
}
