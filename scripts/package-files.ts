// Which files a package consists of, and what its build makes of the sources.
import { existsSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";

/** All files below a folder of a package, as paths within the package, sorted; none where there is no folder. */
export function filesBelow(packageFolder: string, folder: string): string[] {
  const top = join(packageFolder, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(packageFolder, join(entry.parentPath, entry.name)))
    .sort();
}

/** What `tsc -b` makes in dist/ of a source in src/, with the settings of tsconfig.base.json. */
export function outputsOf(source: string): string[] {
  // Declarations are read by the compiler, not made or copied by it.
  if (source.endsWith(".d.ts")) return [];
  const stem = source.replace(/^src\//, "dist/").replace(/\.ts$/, "");
  return [".js", ".js.map", ".d.ts", ".d.ts.map"].map((ending) => stem + ending);
}
