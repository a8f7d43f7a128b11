import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/**
 * Writes the checksums of files, as `sha256sum --check` takes them in that folder.
 *
 * @param files In the folder or below it.
 * @returns The path of `SHA256SUMS`.
 */
export function writeChecksums(files: readonly string[], folder: string): string {
  const lines = files.map((file) => {
    const sum = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${sum}  ${relative(folder, file)}\n`;
  });
  const path = join(folder, "SHA256SUMS");
  writeFileSync(path, lines.join(""));
  return path;
}
