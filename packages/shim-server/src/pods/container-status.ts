import type { ContainerStatus, ContainerStatusRequest } from "@dockershim/cri-types";
import { toVerboseInfo } from "@dockershim/pod-sandbox";
import { type ContainerLookup, requireContainer } from "../state/container-lookup.js";
import { type ContainerViewParts, containerStatus } from "./container-view.js";

/** What ContainerStatus uses. */
export interface ContainerStatusParts extends ContainerViewParts {
  readonly store: ContainerLookup;
}

interface Reply {
  status: ContainerStatus;
  info: Record<string, string>;
}

/** The status of a container, from memory. */
export function containerStatusReply(
  parts: ContainerStatusParts,
  { containerId, verbose }: Pick<ContainerStatusRequest, "containerId" | "verbose">,
): Reply {
  const record = requireContainer(parts.store, containerId);
  return {
    status: containerStatus(record, parts),
    info: verbose ? toVerboseInfo(record.inspect) : {},
  };
}

/** ContainerStatus. */
export function createContainerStatus(
  parts: ContainerStatusParts,
): (request: ContainerStatusRequest) => Promise<Reply> {
  return async (request) => containerStatusReply(parts, request);
}
