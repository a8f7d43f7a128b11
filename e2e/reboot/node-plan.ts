import type { KubeletCluster } from "../kubelet-config.ts";

/** Where the node's kubelet reads static pods from. */
export const manifests = "/etc/kubernetes/manifests";

/** What a machine needs to become a node. Paths are of that machine. */
export interface NodePlan {
  readonly name: string;
  /** An address of the machine. */
  readonly address: string;
  /** The daemon's package. */
  readonly deb: string;
  readonly kubeconfig: string;
  readonly cluster: KubeletCluster;
}
