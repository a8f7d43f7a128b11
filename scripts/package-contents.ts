// What is in the tarball of a package: what its manifest means to put there, and nothing else.
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { filesBelow, outputsOf } from "./package-files.ts";
import type { Manifest } from "./package-manifest.ts";

/** Lists the files that the package in a folder means to publish, as paths within the tarball. */
export function meantContents(folder: string, manifest: Manifest): string[] {
  const meant = ["LICENSE", "README.md", "package.json"];
  if (existsSync(join(folder, "CHANGELOG.md"))) meant.push("CHANGELOG.md");
  for (const entry of manifest.files ?? []) {
    if (entry.startsWith("!") || entry === "CHANGELOG.md") continue;
    if (entry === "dist") meant.push(...filesBelow(folder, "src").flatMap(outputsOf));
    else meant.push(...filesBelow(folder, entry));
  }
  return meant.sort();
}

const neverPublished = /(^|\/)(test|bench|fixtures)\/|\.test\.|\.tsbuildinfo$/;

/** Says in one line each what is in the tarball and should not be, and the other way round. */
export function contentProblems(packed: readonly string[], meant: readonly string[]): string[] {
  return [
    ...meant.filter((file) => !packed.includes(file)).map((file) => `${file} is not packed`),
    ...packed.filter((file) => !meant.includes(file)).map((file) => `${file} is packed`),
    ...packed
      .filter((file) => neverPublished.test(file))
      .map((file) => `${file} is packed, and is of tests or of the build only`),
  ];
}

/**
 * Says in one line each which source map names a source that is not packed: it would lead debuggers and
 * editors nowhere.
 *
 * @param packed - The files of the tarball.
 * @param readMap - Gives a source map's text by its path in the tarball.
 */
export function sourceMapProblems(
  packed: readonly string[],
  readMap: (path: string) => string,
): string[] {
  const problems: string[] = [];
  for (const map of packed.filter((file) => file.endsWith(".map"))) {
    const { sources, sourceRoot } = JSON.parse(readMap(map)) as {
      sources: string[];
      sourceRoot?: string;
    };
    for (const source of sources) {
      const path = posix.join(posix.dirname(map), sourceRoot ?? "", source);
      if (!packed.includes(path)) problems.push(`${map} names ${path}, which is not packed`);
    }
  }
  return problems;
}
