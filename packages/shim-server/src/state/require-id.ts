import { ShimError } from "../shim-error.js";

/** An id is 64 hexadecimal digits; anything longer than this cannot be one. */
const maxIdLength = 128;

/**
 * Checks an id that a request names.
 *
 * @throws ShimError `invalid_argument` for one that is empty or could not be an id.
 */
export function requireId(field: string, id: string): void {
  if (id === "") throw new ShimError("invalid_argument", `${field}: must not be empty`);
  if (id.length > maxIdLength) {
    throw new ShimError("invalid_argument", `${field}: longer than ${maxIdLength} characters`);
  }
  if (!/^[\w.-]+$/.test(id)) {
    throw new ShimError("invalid_argument", `${field}: "${id}" is not an id`);
  }
}
