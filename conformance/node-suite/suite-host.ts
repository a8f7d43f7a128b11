import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { claimKubeletHost, releaseKubeletHost } from "../../e2e/kubelet-host.ts";
import { removePodCgroup } from "../../e2e/pod-cgroup.ts";
import { unmountBelow } from "../../lab/mounts.ts";
import { ConformanceError } from "../conformance-error.ts";

/** The suite's kubelet has its folders there, and no flag says otherwise. */
const kubeletRoot = "/var/lib/kubelet";
const podLogs = "/var/log/pods";
const mark = join(kubeletRoot, ".dockershim-node-suite");

/**
 * Takes the places of a kubelet on this machine for the suite's, and clears what a killed run left there.
 *
 * @param holder - the run's own folder
 * @throws ConformanceError where a kubelet that is not the suite's has them
 */
export async function claimSuiteHost(holder: string): Promise<void> {
  const foreign = [join(kubeletRoot, "pods"), podLogs].find((path) => existsSync(path));
  if (foreign !== undefined && !existsSync(mark)) {
    throw new ConformanceError(`this machine has a kubelet already: ${foreign} is there`);
  }
  await releaseSuiteHost(holder);
  await claimKubeletHost(holder);
  mkdirSync(kubeletRoot, { recursive: true });
  writeFileSync(mark, "");
}

/** Removes what the suite's kubelet left on the machine, once its pods are gone. */
export async function releaseSuiteHost(holder: string): Promise<void> {
  if (!existsSync(mark)) return;
  await unmountBelow(kubeletRoot);
  for (const name of readdirSync(kubeletRoot)) {
    // Every kubelet has its plugins there, and the last one of ours clears them.
    if (name === "device-plugins" || join(kubeletRoot, name) === mark) continue;
    rmSync(join(kubeletRoot, name), { recursive: true, force: true });
  }
  rmSync(podLogs, { recursive: true, force: true });
  await removePodCgroup("kubepods");
  rmSync(mark);
  await releaseKubeletHost(holder, podLogs);
}
