import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { pauseImage } from "@dockershim/pause-image";
import type { Logger } from "pino";
import { createSingleFlight } from "../async/single-flight.js";
import type { ShimOptions } from "../options.js";
import type { Engine } from "../state/engine.js";
import type { ImageStore } from "../state/image-store.js";
import type { Store } from "../state/store.js";
import type { EnginePull } from "./engine-pull.js";

/** The image of sandbox containers. */
export interface PauseImage {
  /** Makes sure that the engine has it. @returns The reference to create sandboxes from. */
  ensure(signal: AbortSignal): Promise<string>;
  /**
   * Ids of the images that sandboxes need, and that must not be collected as garbage: the one of
   * new sandboxes, and those of sandboxes that are there, such as adopted ones.
   */
  pinned(): ReadonlySet<string>;
}

export interface PauseImageParts {
  readonly docker: Pick<DockerClient, "images">;
  readonly engine: Engine;
  readonly images: ImageStore;
  readonly store: Pick<Store, "sandboxes">;
  readonly pull: EnginePull;
  readonly log: Logger;
}

/**
 * Provides the pause image: the one embedded in the package, loaded into the engine when it is
 * missing, or the one that the operator named, pulled when it is missing.
 */
export function createPauseImage(
  options: Pick<ShimOptions, "podInfraContainerImage">,
  { docker, engine, images, store, pull, log }: PauseImageParts,
): PauseImage {
  const chosen = options.podInfraContainerImage;
  const loads = createSingleFlight<void>();
  let loadedId: string | undefined;

  async function ensureEmbedded(signal: AbortSignal): Promise<string> {
    const embedded = pauseImage((await engine.facts(signal)).arch);
    const { id, manifestDigest, reference, tar } = embedded;
    const found = images.find(reference)?.Id;
    // An image's id is its config's digest, or its manifest's with the containerd image store.
    // Anything else of that name is not ours, and the name is taken from it.
    if (found !== undefined && [id, manifestDigest, loadedId].includes(found)) return reference;
    await loads.run(reference, signal, async (shared) => {
      log.info({ image: reference }, "loading the embedded pause image");
      await docker.images.load(tar, { signal: shared });
      await images.refresh();
      loadedId = images.find(reference)?.Id;
    });
    return reference;
  }

  return {
    async ensure(signal) {
      if (chosen === "") return await ensureEmbedded(signal);
      if (images.find(chosen) === undefined) await pull(chosen, undefined, signal);
      return chosen;
    },
    pinned() {
      const ids = new Set<string>();
      for (const { inspect } of store.sandboxes()) ids.add(inspect.Image);
      const own = images.find(chosen === "" ? embeddedReference : chosen);
      if (own !== undefined) ids.add(own.Id);
      return ids;
    },
  };
}

const embeddedReference = pauseImage("amd64").reference;

/** Whether an engine error says that the image of a create is not there (any more). */
export function isMissingImage(reason: unknown): boolean {
  return isDockerError(reason, "not_found") && /no such image/i.test(reason.engineMessage);
}
