import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";

/**
 * A PATH on which a program is not found: each folder that has it is replaced by one with links to all else in it.
 *
 * @param folder - where such folders are made
 */
export function pathWithout(program: string, path: string, folder: string): string {
  return path
    .split(":")
    .map((entry, index) => {
      if (entry === "" || !existsSync(join(entry, program))) return entry;
      const links = join(folder, `path-${index}`);
      mkdirSync(links, { recursive: true });
      for (const name of readdirSync(entry)) {
        if (name !== program) symlinkSync(join(entry, name), join(links, name));
      }
      return links;
    })
    .join(":");
}
