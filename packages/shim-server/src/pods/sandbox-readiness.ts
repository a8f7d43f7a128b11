import { INSTANCE_LABEL } from "@dockershim/pod-sandbox";
import type { PodNetwork } from "../network/pod-network.js";
import type { SandboxRecord } from "../state/records.js";

/**
 * Whether a sandbox is ready: it runs, and it is on the network that it should be on.
 *
 * A sandbox of ours that runs but has no network was left by a daemon that was killed in the
 * middle of RunPodSandbox, or was started again by somebody: as NOTREADY the kubelet replaces it.
 * Sandboxes of dockershim and cri-dockerd keep no record that we could judge by, so they count as
 * connected.
 */
export function isReady(record: SandboxRecord, network: Pick<PodNetwork, "addresses">): boolean {
  if (!record.inspect.State.Running) return false;
  if (record.inspect.HostConfig.NetworkMode === "host") return true;
  if (record.inspect.Config.Labels?.[INSTANCE_LABEL] === undefined) return true;
  return network.addresses(record.id, record.inspect.State.Pid) !== undefined;
}
