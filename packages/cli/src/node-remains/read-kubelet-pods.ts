import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { OpenNode } from "../node/open-node.js";
import type { KubeletPods } from "./judge-remains.js";

/** The pods that the kubelet has a folder of. */
export async function readKubeletPods({ root, kubelet }: OpenNode): Promise<KubeletPods> {
  try {
    return new Set(await readdir(join(root, kubelet.rootDir, "pods")));
  } catch (error) {
    // One that may not be looked at is no reason to take its pods for gone.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
