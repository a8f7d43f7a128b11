import type { PortForwardRequest } from "@dockershim/cri-types";
import { requireRunningSandbox, type SandboxLookup } from "../state/sandbox-lookup.js";
import type { Streaming } from "./streaming.js";

/** What PortForward uses. */
export interface PortForwardUrlParts {
  readonly store: SandboxLookup;
  readonly streaming: Pick<Streaming, "portForwardUrl">;
}

/**
 * PortForward: a URL under which a client may connect to TCP ports of a sandbox, as many
 * connections as it likes until it closes the session.
 *
 * @throws ShimError or StreamingError like Exec.
 */
export function createPortForwardUrl({
  store,
  streaming,
}: PortForwardUrlParts): (request: PortForwardRequest) => Promise<{ url: string }> {
  return async (request) => {
    const { id: podSandboxId } = requireRunningSandbox(store, request.podSandboxId);
    const { port: ports } = request;
    return { url: streaming.portForwardUrl({ podSandboxId, ports }) };
  };
}
