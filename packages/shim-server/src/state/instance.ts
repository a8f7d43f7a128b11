import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { defaultShimOptions } from "../options.js";

/**
 * The name that a daemon puts on what it makes, so that two daemons can share an engine.
 *
 * It follows from the root directory alone: nothing has to be kept, and a daemon that comes back
 * to the same directory finds its pods again.
 *
 * @param rootDir The daemon's root directory; it must exist.
 * @returns `default`, or 12 hexadecimal digits for a directory that is not the default one.
 */
export function instanceOf(rootDir: string): string {
  const path = realpathSync(rootDir);
  if (path === defaultShimOptions.rootDir) return "default";
  return createHash("sha256").update(path).digest("hex").slice(0, 12);
}
