import type { ListPodSandboxRequest, PodSandbox, PodSandboxFilter } from "@dockershim/cri-types";
import { matchesPodSandboxFilter } from "@dockershim/pod-sandbox";
import type { ShimContext } from "../context.js";
import { sandboxItem } from "./sandbox-view.js";

/** The sandboxes that match a filter, from memory. */
export function sandboxItems(
  { store, network }: Pick<ShimContext, "store" | "network">,
  filter: PodSandboxFilter | undefined,
): PodSandbox[] {
  const items: PodSandbox[] = [];
  for (const record of store.sandboxes()) {
    const item = sandboxItem(record, network);
    if (matchesPodSandboxFilter(item, filter)) items.push(item);
  }
  return items;
}

/** ListPodSandbox. */
export function createSandboxList(
  context: Pick<ShimContext, "store" | "network" | "feed">,
): (request: ListPodSandboxRequest) => Promise<{ items: PodSandbox[] }> {
  return async ({ filter }) => {
    await context.feed.ready();
    return { items: sandboxItems(context, filter) };
  };
}
