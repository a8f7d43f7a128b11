import type { ListPodSandboxRequest, PodSandbox, PodSandboxFilter } from "@dockershim/cri-types";
import { matchesPodSandboxFilter } from "@dockershim/pod-sandbox";
import type { PodNetwork } from "../network/pod-network.js";
import type { Store } from "../state/store.js";
import { sandboxItem } from "./sandbox-view.js";

/** What ListPodSandbox uses. */
export interface SandboxListParts {
  readonly store: Pick<Store, "sandboxes">;
  readonly network: Pick<PodNetwork, "addresses">;
}

/** The sandboxes that match a filter, from memory. */
export function sandboxItems(
  { store, network }: SandboxListParts,
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
  parts: SandboxListParts,
): (request: ListPodSandboxRequest) => Promise<{ items: PodSandbox[] }> {
  return async ({ filter }) => ({ items: sandboxItems(parts, filter) });
}
