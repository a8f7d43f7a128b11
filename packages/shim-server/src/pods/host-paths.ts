import { mkdir, realpath } from "node:fs/promises";
import type { Mount } from "@dockershim/cri-types";

/**
 * Resolves the host paths of a container's mounts, as Docker's bind mounts need them.
 *
 * A path that does not exist is made a directory, as the kubelet's hostPath default expects.
 *
 * @returns The path to mount, by CRI host path.
 */
export async function resolveHostPaths(mounts: readonly Mount[]): Promise<Map<string, string>> {
  const resolved = new Map<string, string>();
  for (const { hostPath } of mounts) {
    if (hostPath === "" || resolved.has(hostPath)) continue;
    resolved.set(hostPath, await resolve(hostPath));
  }
  return resolved;
}

async function resolve(hostPath: string): Promise<string> {
  try {
    return await realpath(hostPath);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
    await mkdir(hostPath, { recursive: true });
    return await realpath(hostPath);
  }
}
