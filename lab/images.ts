import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "./config.ts";
import { askEngine, callEngine } from "./engine-api.ts";
import { LabError } from "./lab-error.ts";
import { busyboxRoot, staticBusyboxRoot } from "./rootfs.ts";

/** How to make one test image; images are made on this machine and never pulled from outside. */
export interface ImageRecipe {
  readonly repository: string;
  readonly tag: string;
  /** Further tags that a registry serves the very same image under. */
  readonly aliases?: readonly string[];
  /** Raised when the recipe changes, so that running labs make the image anew. */
  readonly revision: number;
  /** Fills an empty folder with the image's root file system. */
  readonly build: (root: string, cacheDir: string) => Promise<void>;
  /** Dockerfile instructions for the image's config. */
  readonly changes: readonly string[];
}

/** The instruction that every image has, as those of registries do. */
export const searchPath = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const revisionLabel = "io.dockershim.lab.revision";

/** The image that tests run their containers from. */
export const busyboxImage: ImageRecipe = {
  repository: "registry.k8s.io/e2e-test-images/busybox",
  tag: "1.29-2",
  revision: 1,
  build: busyboxRoot,
  changes: [searchPath, 'CMD ["sh"]'],
};

/** The image that is in the registry only, for tests that pull. */
export function registryImage(registry: string): ImageRecipe {
  return {
    repository: `${registry}/lab/busybox-static`,
    tag: "1.0",
    revision: 1,
    build: staticBusyboxRoot,
    changes: [searchPath, 'CMD ["sh"]'],
  };
}

export function referenceOf({ repository, tag }: ImageRecipe): string {
  return `${repository}:${tag}`;
}

async function labelOf(config: ImageMaker, reference: string): Promise<string | undefined> {
  const { status, text } = await askEngine(config.dockerSocket, {
    path: `/images/${reference}/json`,
  });
  return status === 200 ? JSON.parse(text).Config?.Labels?.[revisionLabel] : undefined;
}

/** An engine, and where images for it are made. */
export type ImageMaker = Pick<LabConfig, "dockerSocket" | "stateDir" | "cacheDir">;

/** Makes an image from its recipe and imports it, unless the engine has it already. */
export async function importImage(config: ImageMaker, recipe: ImageRecipe): Promise<void> {
  const reference = referenceOf(recipe);
  if ((await labelOf(config, reference)) === String(recipe.revision)) return;
  console.error(`lab: making image ${reference}`);
  const root = mkdtempSync(join(config.stateDir, "image-"));
  try {
    await recipe.build(root, config.cacheDir);
    const query = new URLSearchParams({ fromSrc: "-", repo: recipe.repository, tag: recipe.tag });
    for (const change of [...recipe.changes, `LABEL ${revisionLabel}=${recipe.revision}`]) {
      query.append("changes", change);
    }
    const tar = spawn("tar", ["-C", root, "--owner=0", "--group=0", "-c", "."], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      tar.once("error", reject);
      tar.once("close", resolve);
    });
    const [code] = await Promise.all([
      ended,
      callEngine(config.dockerSocket, {
        method: "POST",
        path: `/images/create?${query}`,
        body: tar.stdout,
        headers: { "content-type": "application/x-tar" },
      }),
    ]);
    if (code !== 0) throw new LabError("command", `tar ended with ${code}`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Puts an image into the lab's registry, unless it is there, and leaves none of it in the engine. */
export async function serveImage(config: LabConfig, recipe: ImageRecipe): Promise<void> {
  const [host, ...name] = recipe.repository.split("/");
  const manifests = `http://${host}/v2/${name.join("/")}/manifests`;
  const accept =
    "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  // The last tag that is written: where it is there, all is.
  const last = recipe.aliases?.at(-1) ?? recipe.tag;
  const { ok } = await fetch(`${manifests}/${last}`, { method: "HEAD", headers: { accept } });
  if (ok) return;
  await importImage(config, recipe);
  await callEngine(config.dockerSocket, {
    method: "POST",
    path: `/images/${recipe.repository}/push?tag=${recipe.tag}`,
    headers: { "x-registry-auth": Buffer.from("{}").toString("base64") },
  });
  await callEngine(config.dockerSocket, {
    method: "DELETE",
    path: `/images/${referenceOf(recipe)}?force=1`,
  });
  if (recipe.aliases === undefined) return;
  const manifest = await fetch(`${manifests}/${recipe.tag}`, { headers: { accept } });
  const type = manifest.headers.get("content-type") ?? "";
  const body = await manifest.text();
  for (const alias of recipe.aliases) {
    const put = await fetch(`${manifests}/${alias}`, {
      method: "PUT",
      headers: { "content-type": type },
      body,
    });
    if (!put.ok) throw new LabError("registry", `could not tag ${recipe.repository}:${alias}`);
  }
}
