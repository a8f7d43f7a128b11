import type { CniArg } from "./attachment.js";

/**
 * CNI_ARGS as Kubernetes' runtimes set them. `IgnoreUnknown` keeps plugins that
 * know none of the others from refusing them.
 */
export function k8sArgs(pod: {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Id of the sandbox's container. */
  readonly infraContainerId: string;
}): CniArg[] {
  return [
    ["IgnoreUnknown", "1"],
    ["K8S_POD_NAMESPACE", pod.namespace],
    ["K8S_POD_NAME", pod.name],
    ["K8S_POD_INFRA_CONTAINER_ID", pod.infraContainerId],
    ["K8S_POD_UID", pod.uid],
  ];
}
