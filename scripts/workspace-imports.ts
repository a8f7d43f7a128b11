// Whether each workspace says in its manifest of which others it is made: turbo's cache goes by that.
import { dirname, join, normalize } from "node:path";
import { importsOf } from "./imports.ts";
import type { Workspace } from "./workspaces.ts";

/** These may not be said, since they would close a circle; turbo.json names the files instead. */
const circular = new Set(["packages/pause-image imports packages/testing"]);

/**
 * Says in one line each what a file imports from another workspace that its own does not depend on.
 *
 * @param file Path within the checkout.
 */
export function importProblems(
  file: string,
  text: string,
  own: Workspace,
  all: readonly Workspace[],
): string[] {
  const { dependencies, devDependencies } = own.manifest;
  const problems: string[] = [];
  for (const { name, line } of importsOf(text)) {
    const path = normalize(join(dirname(file), name));
    const other = all.find(({ folder, manifest }) =>
      name.startsWith(".")
        ? path.startsWith(`${folder}/`)
        : name === manifest.name || name.startsWith(`${manifest.name}/`),
    );
    if (other === undefined || other === own) continue;
    if (circular.has(`${own.folder} imports ${other.folder}`)) continue;
    const needed = other.manifest.name ?? "";
    if ({ ...dependencies, ...devDependencies }[needed] === undefined) {
      problems.push(
        `${file}:${line}: imports ${name}, and ${own.folder} does not depend on ${needed}`,
      );
    }
  }
  return problems;
}
