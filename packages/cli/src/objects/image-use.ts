import type { CriClient } from "@dockershim/cri-client";
import type { Container, Image } from "@dockershim/cri-types";
import { readInfo } from "../runtime/verbose-info.js";

/** Whether a container is made of an image. Runtimes differ in which of a container's fields is an id, and which a digest. */
export function isMadeOf({ imageId, imageRef, image }: Container, of: Image): boolean {
  const names = [of.id, ...of.repoTags, ...of.repoDigests];
  return [imageId, imageRef, image?.image ?? ""].some(
    (name) => name !== "" && names.includes(name),
  );
}

/** An image, and whether something needs it. */
export interface ImageUse {
  readonly image: Image;
  /** A container of CRI's is made of it, or its runtime keeps it: it is pinned, or what sandboxes are made of. */
  readonly isUsed: boolean;
}

/** Whether images are used, as far as CRI tells. */
export async function readImageUse({ image, runtime }: CriClient): Promise<ImageUse[]> {
  const [{ images }, { containers }, { info }] = await Promise.all([
    image.listImages({}),
    runtime.listContainers({}),
    runtime.status({ verbose: true }),
  ]);
  const sandboxImage = sandboxImageOf(info);
  return images.map((each) => ({
    image: each,
    isUsed:
      each.pinned ||
      each.repoTags.includes(sandboxImage) ||
      each.repoDigests.includes(sandboxImage) ||
      containers.some((container) => isMadeOf(container, each)),
  }));
}

/** containerd before 1.7 pins no image, and tells which it makes sandboxes of in its configuration alone. */
function sandboxImageOf(info: Readonly<Record<string, string>>): string {
  const { config } = readInfo(info) as { config?: { sandboxImage?: unknown } | null };
  const name = config?.sandboxImage;
  return typeof name === "string" ? name : "";
}
