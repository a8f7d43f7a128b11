import type { Mount } from "@dockershim/cri-types";
import type { MountedImage } from "@dockershim/pod-sandbox";
import type { ImageStore } from "../store/image-store.js";

/**
 * Finds the images that a container mounts as volumes. The kubelet has pulled them before, so one
 * that is missing is left out, and the plan says so.
 *
 * @returns What is mounted, by CRI `Mount.image.image`. The digest that is reported is the image
 * id, as everywhere else.
 */
export async function findMountedImages(
  mounts: readonly Mount[],
  images: Pick<ImageStore, "resolve">,
  signal: AbortSignal,
): Promise<Map<string, MountedImage>> {
  const found = new Map<string, MountedImage>();
  for (const { image } of mounts) {
    const reference = image?.image ?? "";
    if (reference === "" || found.has(reference)) continue;
    const { Id: id } = (await images.resolve(reference, signal)) ?? {};
    if (id !== undefined) found.set(reference, { id, ref: id });
  }
  return found;
}
