import type { AttachRequest, ExecRequest } from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { ShimError } from "../shim-error.js";
import { requireRunning } from "../state/container-lookup.js";

type Parts = Pick<ShimContext, "store" | "feed" | "streaming">;

/**
 * Exec: a URL under which a client may run a command in a container, once and within a minute.
 *
 * @throws ShimError or StreamingError `invalid_argument`, `not_found`, `failed_precondition` for a
 * container that does not run, `resource_exhausted` when too many URLs wait for their client.
 */
export function createExecUrl({
  store,
  feed,
  streaming,
}: Parts): (request: ExecRequest) => Promise<{ url: string }> {
  return async (request) => {
    await feed.ready();
    requireRunning(store, request.containerId);
    if (request.cmd.length === 0) throw new ShimError("invalid_argument", "cmd: must not be empty");
    return { url: streaming.execUrl(request) };
  };
}

/** Attach: like {@link createExecUrl}, for the main process of a container. */
export function createAttachUrl({
  store,
  feed,
  streaming,
}: Parts): (request: AttachRequest) => Promise<{ url: string }> {
  return async (request) => {
    await feed.ready();
    requireRunning(store, request.containerId);
    return { url: streaming.attachUrl(request) };
  };
}
