import type { ReopenContainerLogRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import { type ContainerLookup, requireRunning } from "../state/container-lookup.js";

/** What ReopenContainerLog uses. */
export interface ContainerLogReopenParts {
  readonly store: ContainerLookup;
  readonly logs: Pick<ContainerLogs, "reopen">;
}

/**
 * ReopenContainerLog: after the kubelet has renamed a log, goes on in a new file at its path. On
 * return that file is there; no line is lost or doubled.
 *
 * @throws ShimError `failed_precondition` for a container that is not running, `unimplemented` for
 * one whose log Docker writes itself.
 */
export function createContainerLogReopen({
  store,
  logs,
}: ContainerLogReopenParts): (
  request: ReopenContainerLogRequest,
  call: CallContext,
) => Promise<Record<string, never>> {
  return async ({ containerId }) => {
    await logs.reopen(requireRunning(store, containerId));
    return {};
  };
}
