import { DockerError } from "./errors.js";

/**
 * A path with names put in. Names come from callers, so each is escaped, and those that would
 * change which route is meant (empty, `.`, `..`) are refused with `invalid_argument`: an inspect of
 * the container `""` would otherwise list them all.
 */
export function enginePath(
  operation: string,
  strings: readonly string[],
  ...names: readonly string[]
): string {
  let path = strings[0] ?? "";
  names.forEach((name, i) => {
    const segments = name.split("/");
    if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
      throw new DockerError({
        code: "invalid_argument",
        operation,
        engineMessage: `${JSON.stringify(name)} is no valid name or id`,
      });
    }
    path += segments.map(encodeSegment).join("/") + (strings[i + 1] ?? "");
  });
  return path;
}

/** Image references keep their `:` and `@`. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed()).replace(/%3A/g, ":").replace(/%40/g, "@");
}
