import type { Container, Image } from "@dockershim/cri-types";

/** Whether a container is made of an image. Runtimes differ in which of a container's fields is an id, and which a digest. */
export function isMadeOf({ imageId, imageRef, image }: Container, of: Image): boolean {
  const names = [of.id, ...of.repoTags, ...of.repoDigests];
  return [imageId, imageRef, image?.image ?? ""].some(
    (name) => name !== "" && names.includes(name),
  );
}
