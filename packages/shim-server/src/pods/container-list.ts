import type { Container, ContainerFilter, ListContainersRequest } from "@dockershim/cri-types";
import { matchesContainerFilter } from "@dockershim/pod-sandbox";
import type { Store } from "../state/store.js";

/** What ListContainers uses. */
export interface ContainerListParts {
  readonly store: Pick<Store, "containers">;
}

/** The containers that match a filter, from memory. */
export function containerItems(
  { store }: ContainerListParts,
  filter: ContainerFilter | undefined,
): Container[] {
  const items: Container[] = [];
  for (const { item } of store.containers()) {
    if (matchesContainerFilter(item, filter)) items.push(item);
  }
  return items;
}

/** ListContainers. */
export function createContainerList(
  parts: ContainerListParts,
): (request: ListContainersRequest) => Promise<{ containers: Container[] }> {
  return async ({ filter }) => ({ containers: containerItems(parts, filter) });
}
