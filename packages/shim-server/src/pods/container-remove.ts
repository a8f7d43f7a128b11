import type { RemoveContainerRequest } from "@dockershim/cri-types";
import type { CallContext, ShimContext } from "../context.js";
import { destroyContainer } from "../engine-work/container-halt.js";
import { requireId } from "../state/require-id.js";

/** Removes a container and its log link; one that is gone already is fine. */
export async function removeContainer(
  parts: Pick<ShimContext, "docker" | "store" | "logs">,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const record = parts.store.container(id);
  if (record === undefined) return;
  await destroyContainer(parts, id, signal);
  await parts.logs.removed(record);
}

/** RemoveContainer: by force when it still runs. */
export function createContainerRemove(
  context: ShimContext,
): (request: RemoveContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ containerId }, { signal }) => {
    requireId("container_id", containerId);
    await context.feed.ready();
    await removeContainer(context, containerId, signal);
    return {};
  };
}
