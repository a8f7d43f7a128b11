import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tarOf } from "@dockershim/testing";

/** What a test image is made of. */
export interface TestImage {
  /** One file per layer, in bytes that do not compress away. */
  readonly layers: readonly Buffer[];
  readonly user?: string;
  readonly labels?: Record<string, string>;
  /** Puts the manifest into an index, as multi-platform images have it. */
  readonly index?: boolean;
}

/** An image that a registry has now. */
export interface PushedImage {
  /** Digest of what the tag points to: the index, or the only manifest. */
  readonly digest: string;
  /** Digest of the config, which is the image's id in an engine with a graph driver. */
  readonly configDigest: string;
  /** Digests of the layers as they are transferred. */
  readonly layerDigests: readonly string[];
}

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

const architecture = process.arch === "x64" ? "amd64" : process.arch;

/**
 * Makes an image and pushes it to a registry through the distribution API.
 *
 * @param registry `host:port`, spoken to by HTTP.
 */
export async function pushImage(
  registry: string,
  repository: string,
  tag: string,
  image: TestImage,
): Promise<PushedImage> {
  const tars = image.layers.map((content, at) => tarOf(`layer-${at}`, content));
  const layers = tars.map((tar) => gzipSync(tar, { level: 1 }));
  const config = json({
    architecture,
    os: "linux",
    created: "2026-01-02T03:04:05Z",
    config: { User: image.user ?? "", Labels: image.labels ?? {}, Cmd: ["/bin/true"] },
    rootfs: { type: "layers", diff_ids: tars.map(digestOf) },
    history: layers.map((_layer, at) => ({ created_by: `made layer ${at}` })),
  });
  const base = `http://${registry}/v2/${repository}`;
  for (const blob of [...layers, config]) await putBlob(base, blob);
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(types.config, config),
    layers: layers.map((layer) => descriptor(types.layer, layer)),
  });
  let top = { type: types.manifest as string, content: manifest };
  if (image.index === true) {
    await putManifest(base, digestOf(manifest), top.type, manifest);
    const platform = { os: "linux", architecture };
    const entry = { ...descriptor(types.manifest, manifest), platform };
    const content = json({ schemaVersion: 2, mediaType: types.index, manifests: [entry] });
    top = { type: types.index, content };
  }
  await putManifest(base, tag, top.type, top.content);
  return {
    digest: digestOf(top.content),
    configDigest: digestOf(config),
    layerDigests: layers.map(digestOf),
  };
}

async function putBlob(base: string, content: Buffer): Promise<void> {
  const begun = await fetch(`${base}/blobs/uploads/`, { method: "POST" });
  const upload = new URL(begun.headers.get("location") ?? "", base);
  upload.searchParams.set("digest", digestOf(content));
  await require201(await fetch(upload, { method: "PUT", body: new Uint8Array(content) }));
}

async function putManifest(
  base: string,
  reference: string,
  type: string,
  content: Buffer,
): Promise<void> {
  const reply = await fetch(`${base}/manifests/${reference}`, {
    method: "PUT",
    headers: { "content-type": type },
    body: new Uint8Array(content),
  });
  await require201(reply);
}

async function require201(reply: Response): Promise<void> {
  const text = await reply.text();
  if (reply.status !== 201) throw new Error(`the registry answered ${reply.status}: ${text}`);
}

function descriptor(mediaType: string, content: Buffer) {
  return { mediaType, size: content.length, digest: digestOf(content) };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

export function digestOf(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
