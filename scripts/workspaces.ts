// Which workspaces there are, and what each says of itself.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "./package-manifest.ts";

/** A folder with a manifest of its own. */
export interface Workspace {
  /** Path within the checkout, `packages/cni`. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Lists the workspaces of a checkout, as pnpm-workspace.yaml names them: folders, and all below a folder. */
export function workspacesOf(root: string): Workspace[] {
  const [, list = ""] =
    /^packages:\n((?: {2}- .+\n)+)/m.exec(
      readFileSync(join(root, "pnpm-workspace.yaml"), "utf8"),
    ) ?? [];
  return Array.from(list.matchAll(/- (.+)/g), ([, pattern = ""]) => pattern)
    .flatMap((pattern) => {
      if (!pattern.endsWith("/*")) return [pattern];
      const above = pattern.slice(0, -2);
      return readdirSync(join(root, above)).map((name) => `${above}/${name}`);
    })
    .filter((folder) => existsSync(join(root, folder, "package.json")))
    .sort()
    .map((folder) => ({
      folder,
      manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest,
    }));
}
