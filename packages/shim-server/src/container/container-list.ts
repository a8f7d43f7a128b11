import type { Container, ListContainersRequest } from "@dockershim/cri-types";
import { matchesContainerFilter } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";

/** ListContainers: from memory. */
export function createContainerList(
  context: Pick<ShimContext, "store" | "feed">,
): (request: ListContainersRequest) => Promise<{ containers: Container[] }> {
  return async ({ filter }) => {
    await context.feed.ready();
    const containers: Container[] = [];
    for (const { item } of context.store.containers()) {
      if (matchesContainerFilter(item, filter)) containers.push(item);
    }
    return { containers };
  };
}
