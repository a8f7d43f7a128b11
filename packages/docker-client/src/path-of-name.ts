import { DockerError } from "./errors.js";

/**
 * A name as part of a path. Names come from callers, so each is escaped, and those that would
 * change which route is meant (empty, `.`, `..`) are refused with `invalid_argument`: an inspect of
 * the container `""` would otherwise list them all. The slashes of an image's name stay.
 */
export function pathOfName(operation: string, name: string): string {
  const segments = name.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new DockerError({
      code: "invalid_argument",
      operation,
      engineMessage: `${JSON.stringify(name)} is no valid name or id`,
    });
  }
  return segments.map(encodeSegment).join("/");
}

/** Image references keep their `:` and `@`. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed()).replace(/%3A/g, ":").replace(/%40/g, "@");
}
