import type { Mount } from "@dockershim/cri-types";
import type { MountedImage } from "@dockershim/pod-sandbox";
import { ShimError } from "../shim-error.js";
import type { ImageStore } from "../state/image-store.js";
import type { ImageFiles } from "./image-files.js";
import { refuseCredentials } from "./require-image.js";

/**
 * Finds the images that a container mounts as volumes. The kubelet has pulled them before, so one
 * that is missing is left out, and the plan says so.
 *
 * @returns What is mounted, by CRI `Mount.image.image`. What is reported of it is the image's id: critest holds it against
 * what PullImage gave.
 */
export async function findMountedImages(
  mounts: readonly Mount[],
  images: Pick<ImageStore, "resolve">,
  signal: AbortSignal,
): Promise<Map<string, MountedImage>> {
  const found = new Map<string, MountedImage>();
  for (const [index, { image }] of mounts.entries()) {
    const reference = image?.image ?? "";
    refuseCredentials(reference, `config.mounts[${index}].image.image`);
    if (reference === "" || found.has(reference)) continue;
    const { Id: id } = (await images.resolve(reference, signal)) ?? {};
    if (id !== undefined) found.set(reference, { id, ref: id });
  }
  return found;
}

/**
 * Checks that mounted parts of images are there. Docker looks only when the container starts,
 * where CRI wants it refused at its creation.
 *
 * @throws ShimError `invalid_argument` naming the mount.
 */
export async function requireImageSubPaths(
  mounts: readonly Mount[],
  found: ReadonlyMap<string, MountedImage>,
  imageFiles: Pick<ImageFiles, "has">,
): Promise<void> {
  for (const [index, { image, imageSubPath }] of mounts.entries()) {
    const mounted = found.get(image?.image ?? "");
    if (imageSubPath === "" || mounted === undefined) continue;
    if (await imageFiles.has(mounted.id, `/${imageSubPath}`)) continue;
    throw new ShimError(
      "invalid_argument",
      `config.mounts[${index}].image_sub_path: image ${image?.image} has no "${imageSubPath}"`,
    );
  }
}
