import { ContainerState } from "@dockershim/cri-types";

const stateNames: Record<ContainerState, string> = {
  [ContainerState.CONTAINER_CREATED]: "Created",
  [ContainerState.CONTAINER_RUNNING]: "Running",
  [ContainerState.CONTAINER_EXITED]: "Exited",
  [ContainerState.CONTAINER_UNKNOWN]: "Unknown",
};

/** A container's state for people. */
export function containerStateName(state: ContainerState): string {
  return stateNames[state] ?? "Unknown";
}
