import type { AuthConfig, PullImageRequest } from "@dockershim/cri-types";
import type { RegistryAuth } from "@dockershim/docker-client";
import type { CallContext, ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { createSingleFlight } from "../single-flight.js";
import { requireImage } from "./require-image.js";

/**
 * PullImage: pulls through the engine (`POST /images/create`) and answers with the image id that
 * ImageStatus, ListImages and the statuses of containers report.
 *
 * Pulls of one image with the same credentials share one transfer. A pull that makes no progress
 * for `--image-pull-progress-deadline` is given up; progress of any layer starts it anew.
 */
export function createImagePull(
  context: Pick<ShimContext, "docker" | "images" | "options" | "log">,
): (request: PullImageRequest, call: CallContext) => Promise<{ imageRef: string }> {
  const { docker, images, log, options } = context;
  const pulls = createSingleFlight<string>();

  async function pull(
    reference: string,
    auth: RegistryAuth | undefined,
    signal: AbortSignal,
  ): Promise<string> {
    const stall = createStallTimer(options.imagePullProgressDeadlineMs);
    log.info({ image: reference }, "pulling");
    try {
      await docker.images.pull(reference, {
        signal: AbortSignal.any([signal, stall.signal]),
        onProgress: stall.progress,
        ...(auth === undefined ? {} : { auth }),
      });
    } catch (err) {
      if (!stall.signal.aborted) throw err;
      const seconds = options.imagePullProgressDeadlineMs / 1000;
      throw new ShimError(
        "deadline_exceeded",
        `pulling ${reference} made no progress for ${seconds} s`,
        { cause: err },
      );
    } finally {
      stall.stop();
    }
    await images.refresh();
    const image = await images.resolve(reference, signal);
    if (image === undefined) {
      throw new ShimError("internal", `image ${reference} was removed as soon as it was pulled`);
    }
    return image.Id;
  }

  return async ({ image, auth }, { signal }) => {
    const reference = withTag(requireImage(image));
    const credentials = toRegistryAuth(auth);
    const key = JSON.stringify([reference, credentials]);
    const imageRef = await pulls.run(key, signal, (shared) => pull(reference, credentials, shared));
    return { imageRef };
  };
}

/** Without a tag Docker would pull every tag of the repository. */
function withTag(reference: string): string {
  const name = reference.slice(reference.lastIndexOf("/") + 1);
  return name.includes(":") || name.includes("@") ? reference : `${reference}:latest`;
}

function toRegistryAuth(auth: AuthConfig | undefined): RegistryAuth | undefined {
  if (auth === undefined) return undefined;
  return {
    username: auth.username,
    password: auth.password,
    auth: auth.auth,
    serveraddress: auth.serverAddress,
    identitytoken: auth.identityToken,
    registrytoken: auth.registryToken,
  };
}

interface StallTimer {
  readonly signal: AbortSignal;
  progress(): void;
  stop(): void;
}

function createStallTimer(deadlineMs: number): StallTimer {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), deadlineMs);
  return {
    signal: controller.signal,
    progress: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
  };
}
