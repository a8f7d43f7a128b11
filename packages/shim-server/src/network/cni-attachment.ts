import {
  type Attaching,
  bandwidthFromAnnotations,
  capability,
  dnsCapability,
  ipRangesCapability,
  type JsonObject,
  k8sArgs,
  portMappingsCapability,
} from "@dockershim/cni";
import { Protocol } from "@dockershim/cri-types";
import type { PodAttachment } from "./pod-network.js";

/** The interface in the pod, as every Kubernetes runtime names it. */
export const podInterface = "eth0";

/** Path of a process's network namespace. */
export function netnsOf(pid: number): string {
  return `/proc/${pid}/ns/net`;
}

/** The process in such a path; 0 for any other path. */
export function pidOfNetns(path: string): number {
  return Number(/^\/proc\/(\d+)\/ns\/net$/.exec(path)?.[1] ?? 0);
}

/** What CNI is told of a pod: its namespace, Kubernetes' arguments, and the capabilities' values. */
export function cniAttachment(
  { sandboxId, pid, config }: PodAttachment,
  podCidr: string,
): Attaching {
  return {
    containerId: sandboxId,
    ifName: podInterface,
    netns: pid.then(netnsOf),
    args: k8sArgs({
      namespace: config.metadata?.namespace ?? "",
      name: config.metadata?.name ?? "",
      uid: config.metadata?.uid ?? "",
      infraContainerId: sandboxId,
    }),
    capabilityArgs: capabilityArgs(config, podCidr),
  };
}

function capabilityArgs(config: PodAttachment["config"], podCidr: string): JsonObject {
  const { annotations, dnsConfig, linux, portMappings } = config;
  const values = {
    [capability.portMappings]: portMappingsCapability(
      portMappings.map((mapping) => ({
        hostPort: mapping.hostPort,
        containerPort: mapping.containerPort,
        protocol: Protocol[mapping.protocol],
        hostIp: mapping.hostIp,
      })),
    ),
    [capability.bandwidth]: bandwidthFromAnnotations(annotations),
    [capability.dns]: dnsConfig === undefined ? undefined : dnsCapability(dnsConfig),
    [capability.ipRanges]: ipRangesCapability(podCidr),
    [capability.cgroupPath]: linux?.cgroupParent === "" ? undefined : linux?.cgroupParent,
    [capability.podAnnotations]: { ...annotations },
  };
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}
