import { ContainerEventType } from "@dockershim/cri-types";
import type { StoreRecord } from "../state/records.js";

const { CONTAINER_CREATED_EVENT, CONTAINER_STARTED_EVENT } = ContainerEventType;
const { CONTAINER_STOPPED_EVENT, CONTAINER_DELETED_EVENT } = ContainerEventType;

/** How far a container has come: 0 not there, 1 created, 2 running, 3 ended. */
function stage(record: StoreRecord | undefined): 0 | 1 | 2 | 3 {
  if (record === undefined) return 0;
  const { Status: status } = record.inspect.State;
  if (status === "created") return 1;
  return status === "exited" || status === "dead" || status === "removing" ? 3 : 2;
}

/**
 * The CRI events between two states of a container, in order.
 *
 * One read of Docker may skip states that a short-lived container went through; who follows the
 * events still sees each of them. One that could not be started was never STARTED.
 */
export function eventTypes(
  before: StoreRecord | undefined,
  after: StoreRecord | undefined,
): ContainerEventType[] {
  const [from, to] = [stage(before), stage(after)];
  if (to === 0) return from === 0 ? [] : [CONTAINER_DELETED_EVENT];
  const types: ContainerEventType[] = [];
  if (from === 0) types.push(CONTAINER_CREATED_EVENT);
  if (from < 2 && (to === 2 || (to === 3 && wasStarted(after)))) {
    types.push(CONTAINER_STARTED_EVENT);
  }
  if (from < 3 && to === 3) types.push(CONTAINER_STOPPED_EVENT);
  return types;
}

/** Docker's zero time stands for never. */
function wasStarted(record: StoreRecord | undefined): boolean {
  return record !== undefined && !record.inspect.State.StartedAt.startsWith("0001-");
}
