import type { ImageSpec } from "@dockershim/cri-types";
import { ShimError } from "../shim-error.js";

/** Longer than any reference can be: name 255, tag 128, digest 135 characters. */
const maxReferenceLength = 1024;

/**
 * The reference that an image spec holds.
 *
 * @throws ShimError `invalid_argument` when there is none, or one with credentials.
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
  refuseCredentials(reference, "image.image");
  return reference;
}

/**
 * A reference has no place for credentials, and it is logged and told in errors; so one that has
 * them is not.
 *
 * @throws ShimError `invalid_argument`, which does not quote it.
 */
export function refuseCredentials(reference: string, field: string): void {
  // A digest's `@` comes after the last slash.
  if (!/@.*\//s.test(reference)) return;
  throw new ShimError("invalid_argument", `${field}: must not contain credentials (user@host)`);
}
