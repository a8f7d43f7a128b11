import { posix } from "node:path";
import { CliError } from "../cli-error.js";

/** One end of a copy: a path here, or one in a container. */
export interface CopyPlace {
  /** Undefined for a path here. */
  readonly container: string | undefined;
  readonly path: string;
}

/** Tells `web/nginx:/etc/nginx` from a path here; one here that has a colon begins with `/` or `.`. */
export function parseCopyPlace(text: string): CopyPlace {
  const colon = text.indexOf(":");
  if (colon < 1 || /^[./]/.test(text)) return { container: undefined, path: text };
  const path = text.slice(colon + 1);
  if (path === "") throw new CliError("usage", `cp: "${text}" has no path behind the colon`);
  return { container: text.slice(0, colon), path };
}

/** The folder that something is in and its own name; "." for what has none, as the root. */
export function splitPath(path: string): { folder: string; name: string } {
  const whole = posix.normalize(path);
  const trimmed = whole === "/" ? whole : whole.replace(/\/$/, "");
  const name = posix.basename(trimmed);
  if (name === "" || name === "." || name === "..") return { folder: trimmed, name: "." };
  return { folder: posix.dirname(trimmed), name };
}
