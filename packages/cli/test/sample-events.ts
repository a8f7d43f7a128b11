import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type ContainerEventResponseSchema,
  ContainerEventType,
  type ContainerSchema,
  type PodSandboxSchema,
} from "@dockershim/cri-types";
import { ids } from "./sample-ids.js";
import { containerStatus, podStatus } from "./sample-statuses.js";

type Event = MessageInitShape<typeof ContainerEventResponseSchema>;

const started = BigInt(Date.UTC(2026, 10, 23, 9)) * 1_000_000n;
const second = 1_000_000_000n;

/** The start of a pod and its container, the end of another one, and its removal, of which nothing is known any more. */
export function sampleEvents(
  containers: readonly MessageInitShape<typeof ContainerSchema>[],
  pods: readonly MessageInitShape<typeof PodSandboxSchema>[],
): Event[] {
  const event = (
    containerId: string,
    containerEventType: ContainerEventType,
    podId: string,
    after: bigint,
  ): Event => {
    const pod = pods.find(({ id }) => id === podId);
    const its = containers.filter(({ podSandboxId }) => podSandboxId === podId);
    const statuses = its.map((each) => containerStatus(each, each.id === ids.web, ""));
    return {
      ...{ containerId, containerEventType, createdAt: started + after * second },
      ...(pod && { podSandboxStatus: podStatus(pod), containersStatuses: statuses }),
    };
  };
  return [
    event(ids.front, ContainerEventType.CONTAINER_CREATED_EVENT, ids.front, 0n),
    event(ids.web, ContainerEventType.CONTAINER_STARTED_EVENT, ids.front, 1n),
    event(ids.db, ContainerEventType.CONTAINER_STOPPED_EVENT, ids.back, 2n),
    event(ids.db, ContainerEventType.CONTAINER_DELETED_EVENT, "", 3n),
  ];
}
