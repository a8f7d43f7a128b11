import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";

/** Reads one file out of an archive, by the system's tar. */
export function readArchive(archive: Uint8Array, path: string): Buffer {
  const { status, stdout, stderr } = spawnSync("tar", ["--extract", "--to-stdout", path], {
    input: archive,
  });
  if (status !== 0) throw new Error(String(stderr));
  return stdout;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The path of a blob in an OCI image layout. */
export function blobPath(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}
