import type { ReopenContainerLogRequest } from "@dockershim/cri-types";
import type { CallContext } from "../call.js";
import type { ContainerLogs } from "../logs/container-logs.js";
import {
  type ContainerLookup,
  readIfListedOnly,
  requireRunning,
} from "../state/container-lookup.js";
import type { Store } from "../state/store.js";

/** What ReopenContainerLog uses. */
export interface ContainerLogReopenParts {
  readonly store: ContainerLookup & Pick<Store, "refresh">;
  readonly logs: Pick<ContainerLogs, "reopen">;
}

/**
 * ReopenContainerLog: after the kubelet has renamed a log, goes on in a new file at its path. On
 * return that file is there; no line is lost or doubled. A container that the engine has never let
 * be read is read first: who writes its log its list entry does not tell.
 *
 * @throws ShimError `failed_precondition` for a container that is not running, `unimplemented` for
 * one whose log Docker writes itself. DockerError when it still cannot be read.
 */
export function createContainerLogReopen({
  store,
  logs,
}: ContainerLogReopenParts): (
  request: ReopenContainerLogRequest,
  call: CallContext,
) => Promise<Record<string, never>> {
  return async ({ containerId }) => {
    await logs.reopen(await readIfListedOnly(store, requireRunning(store, containerId)));
    return {};
  };
}
