import type { AttachRequest, ExecRequest } from "@dockershim/cri-types";
import { ShimError } from "../shim-error.js";
import { type ContainerLookup, requireRunning } from "../state/container-lookup.js";
import type { Streaming } from "./streaming.js";

/** What the two calls use. */
export interface ExecUrlParts {
  readonly store: ContainerLookup;
  readonly streaming: Pick<Streaming, "execUrl" | "attachUrl">;
}

/**
 * Exec: a URL under which a client may run a command in a container, once and within a minute.
 *
 * @throws ShimError or StreamingError `invalid_argument`, `not_found`, `failed_precondition` for a
 * container that does not run, `resource_exhausted` when too many URLs wait for their client.
 */
export function createExecUrl({
  store,
  streaming,
}: ExecUrlParts): (request: ExecRequest) => Promise<{ url: string }> {
  return async (request) => {
    const { id: containerId } = requireRunning(store, request.containerId);
    if (request.cmd.length === 0) throw new ShimError("invalid_argument", "cmd: must not be empty");
    return { url: streaming.execUrl({ ...request, containerId }) };
  };
}

/** Attach: like {@link createExecUrl}, for the main process of a container. */
export function createAttachUrl({
  store,
  streaming,
}: ExecUrlParts): (request: AttachRequest) => Promise<{ url: string }> {
  return async (request) => {
    const { id: containerId } = requireRunning(store, request.containerId);
    return { url: streaming.attachUrl({ ...request, containerId }) };
  };
}
