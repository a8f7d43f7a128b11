import type { RemoveContainerRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import {
  type DestroyParts,
  destroyContainer,
  type HaltParts,
  haltContainer,
} from "../engine-work/container-halt.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { Nri } from "../nri/nri.js";
import { type ContainerLookup, findContainer } from "../state/container-lookup.js";
import type { ContainerRecord } from "../state/records.js";

/** What RemoveContainer uses. */
export interface ContainerRemoveParts extends DestroyParts, HaltParts {
  readonly docker: DestroyParts["docker"] & HaltParts["docker"];
  readonly store: DestroyParts["store"] & HaltParts["store"] & ContainerLookup;
  readonly nri: Pick<Nri, "on" | "containerEndTold" | "removeContainer">;
  readonly logs: Pick<ContainerLogs, "removed">;
}

/**
 * Removes a container and its log link; one that is gone already is fine. NRI plugins are told of its
 * end first.
 */
export async function removeContainer(
  parts: ContainerRemoveParts,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<void> {
  if (parts.nri.on) {
    if (record.inspect.State.Running) await haltContainer(parts, record.id, 0, signal);
    await parts.nri.containerEndTold(record.id);
    await parts.nri.removeContainer(record);
  }
  await destroyContainer(parts, record.id, signal);
  await parts.logs.removed(record);
}

/** RemoveContainer: by force when it still runs. */
export function createContainerRemove(
  parts: ContainerRemoveParts,
): (request: RemoveContainerRequest, call: CallContext) => Promise<Record<string, never>> {
  return async ({ containerId }, { signal }) => {
    const record = findContainer(parts.store, containerId);
    if (record !== undefined) await removeContainer(parts, record, signal);
    return {};
  };
}
