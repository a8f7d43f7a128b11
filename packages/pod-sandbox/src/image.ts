import type { Image } from "@dockershim/cri-types";
import type { InspectedImage, ListedImage } from "./docker-inspect.js";
import { PodSandboxError } from "./pod-sandbox-error.js";

/** CRI's view of an image. */
export function toImage(_image: InspectedImage | ListedImage, _pinned = false): Image {
  throw new PodSandboxError("unimplemented", "image", "being written");
}
