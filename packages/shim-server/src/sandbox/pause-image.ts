import { type DockerClient, isDockerError } from "@dockershim/docker-client";
import { pauseImage } from "@dockershim/pause-image";
import type { Logger } from "pino";
import type { Engine } from "../engine.js";
import type { ShimOptions } from "../options.js";
import type { ImageStore } from "../store/image-store.js";

/** The image of sandbox containers. */
export interface PauseImage {
  /** Makes sure that the engine has it. @returns The reference to create sandboxes from. */
  ensure(signal: AbortSignal): Promise<string>;
  /** Whether an image is the one that sandboxes need, and so must not be collected as garbage. */
  isPinned(id: string): boolean;
}

/**
 * Provides the pause image: the one embedded in the package, loaded into the engine when it is
 * missing, or the one that the operator named, pulled when it is missing.
 */
export function createPauseImage(
  options: Pick<ShimOptions, "podInfraContainerImage">,
  parts: { docker: Pick<DockerClient, "images">; engine: Engine; images: ImageStore; log: Logger },
): PauseImage {
  const { docker, engine, images, log } = parts;
  const chosen = options.podInfraContainerImage;
  let loading: Promise<string> | undefined;

  async function provide(): Promise<string> {
    if (chosen !== "") {
      log.info({ image: chosen }, "pulling the pause image");
      await docker.images.pull(chosen);
      await images.refresh();
      return chosen;
    }
    const embedded = pauseImage((await engine.facts()).arch);
    log.info({ image: embedded.reference }, "loading the embedded pause image");
    await docker.images.load(embedded.tar);
    await images.refresh();
    return embedded.reference;
  }

  async function reference(): Promise<string> {
    return chosen === "" ? pauseImage((await engine.facts()).arch).reference : chosen;
  }

  return {
    async ensure(signal) {
      const name = await reference();
      if (images.find(name) !== undefined) return name;
      signal.throwIfAborted();
      // One load serves all sandboxes that wait for it.
      loading ??= provide().finally(() => {
        loading = undefined;
      });
      return await loading;
    },
    isPinned(id) {
      const name = chosen === "" ? pauseImageReference : chosen;
      return images.find(name)?.Id === id;
    },
  };
}

const pauseImageReference = pauseImage("amd64").reference;

/** Whether an engine error says that the image of a create is not there (any more). */
export function isMissingImage(reason: unknown): boolean {
  return isDockerError(reason, "not_found") && /no such image/i.test(reason.engineMessage);
}
