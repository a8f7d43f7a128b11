import { create } from "@bufbuild/protobuf";
import { type Image, ImageSchema, ImageSpecSchema, Int64ValueSchema } from "@dockershim/cri-types";
import type { InspectedImage, ListedImage } from "./docker-inspect.js";

/** What `toImage` may be told besides the image. */
export interface ImageOptions {
  /** Whether the kubelet's garbage collection should leave it alone, as the pause image. */
  pinned?: boolean;
}

/**
 * CRI's view of an image. From a list entry the user is left out, since Docker's list does not
 * tell it.
 */
export function toImage(image: InspectedImage | ListedImage, options: ImageOptions = {}): Image {
  const repoTags = (image.RepoTags ?? []).filter((tag) => !tag.includes("<none>"));
  const repoDigests = (image.RepoDigests ?? []).filter((digest) => !digest.includes("<none>"));
  const result = create(ImageSchema, {
    id: image.Id,
    repoTags,
    repoDigests,
    size: BigInt(Math.max(0, image.Size)),
    pinned: options.pinned ?? false,
    spec: create(ImageSpecSchema, { image: image.Id }),
  });
  const user = ("Config" in image ? image.Config?.User : undefined) ?? "";
  const { uid, username } = imageUserOf(user);
  if (uid !== undefined) result.uid = create(Int64ValueSchema, { value: uid });
  result.username = username;
  return result;
}

/** Splits an image's `USER` into what CRI calls uid or username; a group is left out. */
export function imageUserOf(user: string): { uid: bigint | undefined; username: string } {
  const [name = ""] = user.split(":");
  return /^\d+$/.test(name)
    ? { uid: BigInt(name), username: "" }
    : { uid: undefined, username: name };
}

const idPattern = /^(sha256:)?[0-9a-f]{64}$/;

/**
 * The image's name to show for a container. The kubelet asks for images by id; a person wants
 * the name that was given, or one that leads to it.
 *
 * @param asked `ContainerConfig.image.image`
 * @param userSpecified `ContainerConfig.image.user_specified_image`
 */
export function imageNameOf(
  asked: string,
  userSpecified: string,
  image: Pick<InspectedImage, "RepoTags" | "RepoDigests"> | undefined,
): string {
  if (!idPattern.test(asked)) return asked;
  const tag = image?.RepoTags?.find((name) => !name.includes("<none>"));
  const digest = image?.RepoDigests?.find((name) => !name.includes("<none>"));
  return userSpecified || tag || digest || asked;
}
