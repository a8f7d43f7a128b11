import type { ContainerConfig, PodSandboxConfig } from "@dockershim/cri-types";
import {
  annotatedClasses,
  apiAtLeast,
  apparmorChoice,
  type ContainerPlanInput,
  imageUserNeeded,
  type PlannedImage,
  seccompChoice,
  wantsClass,
} from "@dockershim/pod-sandbox";
import { requireApparmorProfile } from "../engine-work/host-apparmor-profile.js";
import { readSeccompProfile } from "../engine-work/host-seccomp-profile.js";
import type { ImageAccounts } from "../image/image-accounts.js";
import type { ImageFiles } from "../image/image-files.js";
import { findMountedImages, requireImageSubPaths } from "../image/mounted-images.js";
import { refuseCredentials } from "../image/require-image.js";
import { ShimError } from "../shim-error.js";
import type { Engine } from "../state/engine.js";
import { digestedReference } from "../state/image-reference.js";
import type { ImageStore } from "../state/image-store.js";
import { resolveHostPaths } from "./host-paths.js";
import type { NodeClassReader } from "./node-classes.js";

/** Where the inputs come from. */
export interface PlanInputParts {
  readonly images: Pick<ImageStore, "resolve">;
  readonly engine: Pick<Engine, "facts">;
  readonly imageAccounts: ImageAccounts;
  readonly imageFiles: Pick<ImageFiles, "has">;
  readonly nodeClasses: NodeClassReader;
}

const securityField = "config.linux.security_context";

/** What a container's plan needs to know beyond its request. */
export type GatheredInputs = Pick<
  ContainerPlanInput,
  "image" | "engine" | "seccompProfile" | "imageMounts" | "resolvedHostPaths" | "nodeClasses"
>;

/**
 * Gathers, side by side, what the node and the engine know of the things that a container's
 * config names: its image and the image's users, mounted images, host paths, a seccomp profile.
 *
 * @throws ShimError `not_found` when the image is not there, `failed_precondition` when its AppArmor
 * profile is not loaded.
 */
export async function gatherPlanInputs(
  parts: PlanInputParts,
  config: ContainerConfig,
  sandboxConfig: PodSandboxConfig,
  signal: AbortSignal,
): Promise<GatheredInputs> {
  const { images, engine, imageFiles } = parts;
  const classed = wantsClass(annotatedClasses(config, sandboxConfig));
  const [image, facts, seccompProfile, imageMounts, resolvedHostPaths, nodeClasses] =
    await Promise.all([
      findImage(parts, config, signal),
      engine.facts(signal),
      seccompProfileOf(config),
      findMountedImages(config.mounts, images, signal),
      resolveHostPaths(config.mounts),
      classed ? parts.nodeClasses.read() : undefined,
    ]);
  if (facts.apparmor) await requireApparmor(config);
  // Where image volumes cannot be mounted at all, the plan says so.
  if (apiAtLeast(facts.apiVersion, "1.48")) {
    await requireImageSubPaths(config.mounts, imageMounts, imageFiles);
  }
  return { image, engine: facts, seccompProfile, imageMounts, resolvedHostPaths, nodeClasses };
}

async function findImage(
  { images, imageAccounts }: Pick<PlanInputParts, "images" | "imageAccounts">,
  config: ContainerConfig,
  signal: AbortSignal,
): Promise<PlannedImage> {
  const reference = config.image?.image ?? "";
  refuseCredentials(reference, "config.image.image");
  const image = await images.resolve(reference, signal);
  if (image === undefined) {
    throw new ShimError("not_found", `config.image.image: no image "${reference}" on this node`);
  }
  const needed = imageUserNeeded(config.linux?.securityContext, image.Config?.User ?? "");
  const user = needed && (await imageAccounts.find(image.Id, needed, signal));
  return {
    id: image.Id,
    ref: digestedReference(image, config.image?.userSpecifiedImage || reference),
    config: image.Config,
    ...(user === undefined || user === "" ? {} : { user }),
  };
}

/** A privileged container runs without a profile, so that none is read for it. */
async function seccompProfileOf(config: ContainerConfig): Promise<string | undefined> {
  const context = config.linux?.securityContext;
  if (context === undefined || context.privileged) return undefined;
  const choice = seccompChoice(context.seccomp, context.seccompProfilePath, securityField);
  return await readSeccompProfile(choice, `${securityField}.seccomp`);
}

async function requireApparmor(config: ContainerConfig): Promise<void> {
  const context = config.linux?.securityContext;
  if (context === undefined || context.privileged) return;
  const choice = apparmorChoice(context.apparmor, context.apparmorProfile, securityField);
  await requireApparmorProfile(choice, `${securityField}.apparmor`);
}
