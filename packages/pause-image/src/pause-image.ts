import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type PauseArchitecture, pauseArchitecture } from "./architecture.js";
import { type TarEntry, tarArchive } from "./tar-archive.js";

/** An image that can be loaded into an engine. */
export interface PauseImage {
  /** The name that the engine knows the image by once it is loaded. */
  readonly reference: string;
  readonly architecture: PauseArchitecture;
  /**
   * Digest of the image's config, `sha256:…`: the image id of an engine that keeps images in a graph driver
   * such as overlay2.
   */
  readonly id: string;
  /**
   * Digest of the image's manifest, `sha256:…`: the image id of an engine that keeps images in containerd
   * (`driver-type: io.containerd.snapshotter.v1` in `DriverStatus` of `GET /info`).
   */
  readonly manifestDigest: string;
  /** The image as `docker save` writes it: the body for `POST /images/load`. */
  readonly tar: Uint8Array;
}

/** The name stands for the content: whoever changes the image changes the tag as well. */
const repository = "dockershim/pause";
const tag = "1.0";
const reference = `${repository}:${tag}`;

/** One fixed time, so that the same source gives the same ids everywhere. */
const created = "2026-11-23T00:00:00Z";
const mtime = Date.parse(created) / 1000;

interface Blob {
  readonly content: Uint8Array;
  readonly digest: string;
  readonly path: string;
}

function blobOf(content: Uint8Array | object): Blob {
  const bytes =
    content instanceof Uint8Array ? content : new TextEncoder().encode(JSON.stringify(content));
  const hash = createHash("sha256").update(bytes).digest("hex");
  return { content: bytes, digest: `sha256:${hash}`, path: `blobs/sha256/${hash}` };
}

function file(path: string, content: Uint8Array | object, mode = 0o644): TarEntry {
  return { path, mode, content: content instanceof Uint8Array ? content : blobOf(content).content };
}

function folder(path: string): TarEntry {
  return { path, mode: 0o755, content: new Uint8Array() };
}

/** The image's config (OCI image spec, config). */
function configOf(architecture: PauseArchitecture, layer: Blob): object {
  return {
    architecture,
    os: "linux",
    created,
    config: {
      // Nothing in the pod needs the pause process to be root; the ids are nobody's.
      User: "65535:65535",
      Env: ["PATH=/"],
      Entrypoint: ["/pause"],
      Labels: {
        "org.opencontainers.image.title": "dockershim pause",
        "org.opencontainers.image.description":
          "Holds the namespaces of a pod and reaps its orphaned processes",
        "org.opencontainers.image.version": tag,
        "org.opencontainers.image.licenses": "Apache-2.0",
      },
    },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created, created_by: "@dockershim/pause-image", comment: "/pause" }],
  };
}

/**
 * Makes the pause image of an architecture. The program is part of this package, so no registry is asked;
 * the result is the same bytes at every call.
 *
 * The archive is an OCI image layout that also has Docker's `manifest.json`, since Docker 20.10 reads only the
 * latter, and an engine that keeps images in containerd prefers the former.
 *
 * @param architecture - "amd64" or "arm64", or the kernel's name for it, "x86_64" or "aarch64"
 * @throws PauseImageError `unsupported-architecture` for any other
 */
export function pauseImage(architecture: string): PauseImage {
  const arch = pauseArchitecture(architecture);
  const program = readFileSync(new URL(`../bin/pause-${arch}`, import.meta.url));
  const layer = blobOf(tarArchive([file("pause", program, 0o555)], mtime));
  const config = blobOf(configOf(arch, layer));
  const manifest = blobOf({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: config.digest,
      size: config.content.length,
    },
    layers: [
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: layer.digest,
        size: layer.content.length,
      },
    ],
  });
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: manifest.digest,
        size: manifest.content.length,
        platform: { architecture: arch, os: "linux" },
        annotations: {
          "io.containerd.image.name": `docker.io/${reference}`,
          "org.opencontainers.image.ref.name": tag,
        },
      },
    ],
  };
  const tar = tarArchive(
    [
      file("oci-layout", { imageLayoutVersion: "1.0.0" }),
      folder("blobs/"),
      folder("blobs/sha256/"),
      ...[layer, config, manifest].map(({ path, content }) => file(path, content)),
      file("index.json", index),
      file("manifest.json", [{ Config: config.path, RepoTags: [reference], Layers: [layer.path] }]),
    ],
    mtime,
  );
  return {
    reference,
    architecture: arch,
    id: config.digest,
    manifestDigest: manifest.digest,
    tar,
  };
}
