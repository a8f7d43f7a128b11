import { createHash } from "node:crypto";
import { tarArchive } from "../../pause-image/src/tar-archive.ts";

/** A tar with one file, as the project's own writer makes it. */
export function tarOf(path: string, content: Uint8Array | string): Buffer {
  return tarOfFiles({ [path]: content });
}

/** A tar with these files. */
export function tarOfFiles(files: Readonly<Record<string, Uint8Array | string>>): Buffer {
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    mode: 0o644,
    content: Buffer.from(content),
  }));
  return Buffer.from(tarArchive(entries, 0));
}

/** An image as `docker load` takes it: one layer with one file, and labels. */
export function imageTarOf(reference: string, labels: Readonly<Record<string, string>>): Buffer {
  const layer = tarOf("file", reference);
  const config = JSON.stringify({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Cmd: ["/file"], Labels: labels },
    rootfs: {
      type: "layers",
      diff_ids: [`sha256:${createHash("sha256").update(layer).digest("hex")}`],
    },
  });
  const manifest = [{ Config: "config.json", RepoTags: [reference], Layers: ["layer.tar"] }];
  return tarOfFiles({
    "manifest.json": JSON.stringify(manifest),
    "config.json": config,
    "layer.tar": layer,
  });
}
