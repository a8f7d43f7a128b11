import type { RegistryAuth } from "@dockershim/docker-client";
import {
  type DockerClient,
  encodeRegistryAuth,
  type ImageInspect,
} from "@dockershim/docker-client";
import type { Logger } from "pino";
import { createSingleFlight } from "../async/single-flight.js";
import type { ShimOptions } from "../options.js";
import { ShimError } from "../shim-error.js";
import { familiarReference } from "../state/image-reference.js";
import type { ImageStore } from "../state/image-store.js";
import { toPullError } from "./pull-error.js";
import { createPullWatches } from "./pull-progress.js";

/** Pulls an image; see {@link createEnginePull}. */
export type EnginePull = (
  reference: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
) => Promise<ImageInspect>;

/**
 * Pulls through the engine (`POST /images/create`).
 *
 * Pulls of one image with the same credentials are one pull, whatever form its name has. With
 * others they are pulls of their own, as only the registry knows what those may see. A pull ends
 * when the last of its callers has gone, or when it makes no progress for
 * `--image-pull-progress-deadline`.
 */
export function createEnginePull(parts: {
  docker: Pick<DockerClient, "images">;
  images: ImageStore;
  options: Pick<ShimOptions, "imagePullProgressDeadlineMs">;
  log: Logger;
}): EnginePull {
  const { docker, images, options, log } = parts;
  const pulls = createSingleFlight<ImageInspect>();
  const startWatch = createPullWatches(options.imagePullProgressDeadlineMs);

  async function transfer(
    reference: string,
    auth: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const watch = startWatch();
    try {
      await docker.images.pull(reference, {
        signal: AbortSignal.any([signal, watch.signal]),
        onProgress: watch.report,
        auth,
      });
    } catch (err) {
      if (signal.aborted || !watch.signal.aborted) throw toPullError(err);
      const seconds = options.imagePullProgressDeadlineMs / 1000;
      throw new ShimError(
        "deadline_exceeded",
        `pulling ${reference} made no progress for ${seconds} s; the last was: ${watch.last}`,
        { cause: err },
      );
    } finally {
      watch.stop();
    }
  }

  async function attempt(
    reference: string,
    auth: string | undefined,
    signal: AbortSignal,
  ): Promise<ImageInspect> {
    const begun = performance.now();
    log.info({ image: reference }, "pulling");
    try {
      await transfer(reference, auth, signal);
    } catch (err) {
      const error = err instanceof Error ? err.message : String(err);
      if (!signal.aborted) log.warn({ image: reference, error }, "could not pull");
      throw err;
    }
    await images.refresh();
    const image = await images.resolve(reference, signal);
    if (image === undefined) {
      throw new ShimError("internal", `image ${reference} was removed as soon as it was pulled`);
    }
    log.info(
      { image: reference, id: image.Id, ms: Math.round(performance.now() - begun) },
      "pulled",
    );
    return image;
  }

  return (reference, auth, signal) => {
    const encoded = auth === undefined ? undefined : encodeRegistryAuth(auth);
    const key = JSON.stringify([familiarReference(reference), encoded]);
    return pulls.run(key, signal, (shared) => attempt(reference, encoded, shared));
  };
}
