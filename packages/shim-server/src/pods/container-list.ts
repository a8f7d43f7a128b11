import type { Container, ContainerFilter, ListContainersRequest } from "@dockershim/cri-types";
import { matchesContainerFilter } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";

/** The containers that match a filter, from memory. */
export function containerItems(
  { store }: Pick<ShimContext, "store">,
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
  context: Pick<ShimContext, "store" | "feed">,
): (request: ListContainersRequest) => Promise<{ containers: Container[] }> {
  return async ({ filter }) => {
    await context.feed.ready();
    return { containers: containerItems(context, filter) };
  };
}
