import { INSTANCE_LABEL, TYPE_LABEL } from "@dockershim/pod-sandbox";
import type { ShimOptions } from "../options.js";

/**
 * Decides which of the engine's containers are this daemon's.
 *
 * Pods carry the instance that made them. Those without one were made by dockershim or
 * cri-dockerd: a daemon that takes over a node adopts them.
 */
export function createOwnership(
  instance: string,
  options: Pick<ShimOptions, "adoptUnlabelled">,
): (containerLabels: Readonly<Record<string, string>> | null | undefined) => boolean {
  return (containerLabels) => {
    if (containerLabels?.[TYPE_LABEL] === undefined) return false;
    const owner = containerLabels[INSTANCE_LABEL];
    return owner === undefined ? options.adoptUnlabelled : owner === instance;
  };
}
