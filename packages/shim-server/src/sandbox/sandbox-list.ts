import type { ListPodSandboxRequest, PodSandbox } from "@dockershim/cri-types";
import { matchesPodSandboxFilter } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import { sandboxItem } from "./sandbox-view.js";

/** ListPodSandbox: from memory. */
export function createSandboxList(
  context: Pick<ShimContext, "store" | "network" | "feed">,
): (request: ListPodSandboxRequest) => Promise<{ items: PodSandbox[] }> {
  return async ({ filter }) => {
    await context.feed.ready();
    const items: PodSandbox[] = [];
    for (const record of context.store.sandboxes()) {
      const item = sandboxItem(record, context.network);
      if (matchesPodSandboxFilter(item, filter)) items.push(item);
    }
    return { items };
  };
}
