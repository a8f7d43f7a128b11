// Does all that publishing the packages does, but sends nothing: packs each, and has pnpm publish the tarball
// without an upload. No registry is asked; its address here is one where nobody listens.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { workspacesOf } from "./workspaces.ts";

const nowhere = "http://127.0.0.1:9/";
const root = join(import.meta.dirname, "..");

function publish(folder: string, scratch: string): void {
  const cwd = join(root, folder);
  const packed = execFileSync("pnpm", ["pack", "--json", "--pack-destination", scratch], {
    cwd,
    encoding: "utf8",
  });
  const { name, version, filename, size, files } = JSON.parse(packed) as {
    name: string;
    version: string;
    filename: string;
    /** In bytes. */
    size: number;
    files: unknown[];
  };
  const options = ["--dry-run", "--no-git-checks", "--access=public", `--registry=${nowhere}`];
  execFileSync("pnpm", ["publish", filename, ...options], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  console.log(`${name} ${version}: ${files.length} files, ${Math.ceil(size / 1000)} kB`);
}

const scratch = mkdtempSync(join(tmpdir(), "dockershim-publish-"));
try {
  for (const { folder, manifest } of workspacesOf(root)) {
    if (manifest.private !== true) publish(folder, scratch);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
