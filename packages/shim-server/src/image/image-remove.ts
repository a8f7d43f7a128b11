import type { RemoveImageRequest } from "@dockershim/cri-types";
import type { DockerContainers, DockerImages } from "@dockershim/docker-client";
import {
  type DockerError,
  type ImageInspect,
  isDockerError,
  parseImageReference,
} from "@dockershim/docker-client";
import type { Logger } from "pino";
import { createSingleFlight } from "../async/single-flight.js";
import { createUndoStack } from "../async/undo-stack.js";
import type { CallContext } from "../call.js";
import { ShimError } from "../shim-error.js";
import type { ImageStore } from "../state/image-store.js";
import { requireImage } from "./require-image.js";

/** What RemoveImage uses. */
export interface ImageRemoveParts {
  readonly docker: {
    readonly images: Pick<DockerImages, "remove" | "tag">;
    readonly containers: Pick<DockerContainers, "list">;
  };
  readonly images: Pick<ImageStore, "resolve" | "refresh">;
  readonly log: Logger;
}

/**
 * RemoveImage: the image with all its names, as CRI means it; one that is not there is fine.
 *
 * Docker removes an image by id together with its names when they are of one repository and one
 * tag at most, and refuses while a container uses it, all in one step. Where there are more names
 * the surplus goes first; if the image then turns out to be needed, its tags are put back.
 */
export function createImageRemove(
  parts: ImageRemoveParts,
): (request: RemoveImageRequest, call: CallContext) => Promise<Record<string, never>> {
  const { docker, images, log } = parts;
  const removals = createSingleFlight<void>();

  async function remove(reference: string, signal: AbortSignal): Promise<void> {
    try {
      await docker.images.remove(reference, { signal });
    } catch (err) {
      if (!isDockerError(err, "not_found")) throw err;
    }
  }

  async function removeWhole(image: ImageInspect, signal: AbortSignal): Promise<void> {
    const surplus = surplusNames(image);
    if (surplus.length > 0) await requireUnused(parts, image.Id, signal);
    const undo = createUndoStack(log);
    try {
      for (const name of surplus) {
        const { name: repo, tag, digest } = parseImageReference(name);
        if (tag !== undefined && digest === undefined) {
          undo.push(`put the tag ${name} back`, (cleanup) =>
            docker.images.tag(image.Id, { repo, tag, signal: cleanup }),
          );
        }
        await remove(name, signal);
      }
      await remove(image.Id, signal);
    } catch (err) {
      await undo.run();
      throw err;
    }
  }

  return async ({ image: spec }, { signal }) => {
    const reference = requireImage(spec);
    for (let attempt = 1; ; attempt++) {
      const image = await images.resolve(reference, signal);
      if (image === undefined) return {};
      try {
        // Docker tells a second caller that the image is gone while the first one's removal still
        // runs: callers share one removal, so that the image is gone when any of them returns.
        await removals.run(image.Id, signal, (shared) => removeWhole(image, shared));
        return {};
      } catch (err) {
        if (!isDockerError(err, "conflict")) throw err;
        if (attempt < maxAttempts && hasMoreNames(err)) continue;
        throw new ShimError("failed_precondition", err.engineMessage, { cause: err });
      } finally {
        await images.refresh();
      }
    }
  };
}

/** A pull can give the image another name while we take the ones that we know of. */
const maxAttempts = 3;

function hasMoreNames(err: DockerError): boolean {
  return /referenced in multiple repositories/.test(err.engineMessage);
}

/**
 * The names that must go before Docker removes the image by id: all but one tag, and digests in
 * other repositories than that tag's. Digests that share a repository with a tag go with it.
 */
export function surplusNames(image: Pick<ImageInspect, "RepoTags" | "RepoDigests">): string[] {
  const tags = image.RepoTags ?? [];
  const digests = image.RepoDigests ?? [];
  const kept = tags[0] ?? digests[0];
  if (kept === undefined) return [];
  const repositoryOf = (name: string): string => parseImageReference(name).name;
  const tagged = new Set(tags.map(repositoryOf));
  const keptRepository = repositoryOf(kept);
  const untagged = digests.filter((digest) => {
    const repository = repositoryOf(digest);
    return repository !== keptRepository && !tagged.has(repository);
  });
  return [...tags.slice(1), ...untagged];
}

/** Removing one of several names always works, so the last one would fail too late. */
async function requireUnused(
  { docker }: Pick<ImageRemoveParts, "docker">,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const users = await docker.containers.list({ all: true, filters: { ancestor: [id] }, signal });
  const user = users[0];
  if (user === undefined) return;
  throw new ShimError("failed_precondition", `image ${id} is in use by container ${user.Id}`);
}
