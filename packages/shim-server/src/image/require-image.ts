import type { ImageSpec } from "@dockershim/cri-types";
import { ShimError } from "../shim-error.js";

/** Longer than any reference can be: name 255, tag 128, digest 135 characters. */
const maxReferenceLength = 1024;

/**
 * The reference that an image spec holds.
 *
 * @throws ShimError `invalid_argument` when there is none.
 */
export function requireImage(spec: ImageSpec | undefined): string {
  const reference = spec?.image ?? "";
  if (reference === "") throw new ShimError("invalid_argument", "image.image: must not be empty");
  if (reference.length > maxReferenceLength) {
    throw new ShimError(
      "invalid_argument",
      `image.image: longer than ${maxReferenceLength} characters`,
    );
  }
  return reference;
}
