import { access, mkdir, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import type { Mount } from "@dockershim/cri-types";
import { ShimError } from "../shim-error.js";

/**
 * Resolves the host paths of a container's mounts, as Docker's bind mounts need them.
 *
 * A path that does not exist is made a directory, as the kubelet's hostPath default expects.
 *
 * @returns The path to mount, by CRI host path.
 * @throws ShimError `failed_precondition` naming the mount whose path can be neither found nor made.
 */
export async function resolveHostPaths(mounts: readonly Mount[]): Promise<Map<string, string>> {
  const resolved = new Map<string, string>();
  for (const [index, { hostPath }] of mounts.entries()) {
    if (hostPath === "" || resolved.has(hostPath)) continue;
    try {
      resolved.set(hostPath, await resolve(hostPath));
    } catch (cause) {
      const reason = `config.mounts[${index}].host_path: ${(cause as Error).message}`;
      throw new ShimError("failed_precondition", reason, { cause });
    }
  }
  return resolved;
}

async function resolve(hostPath: string): Promise<string> {
  try {
    return await realpath(hostPath);
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== "ENOENT") throw err;
    await makeDirectory(hostPath);
    return await realpath(hostPath);
  }
}

/**
 * Makes a directory, and those above it. Node's own `recursive` never ends in /proc, where a
 * directory can be made nowhere and the kernel says that the one above is missing.
 */
async function makeDirectory(path: string): Promise<void> {
  const above = dirname(path);
  if (above !== path && !(await exists(above))) await makeDirectory(above);
  await mkdir(path).catch((err: NodeJS.ErrnoException) => {
    if (err.code !== "EEXIST") throw err;
  });
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
