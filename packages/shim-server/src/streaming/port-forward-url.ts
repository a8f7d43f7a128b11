import type { PortForwardRequest } from "@dockershim/cri-types";
import type { ShimContext } from "../context.js";
import { requireRunningSandbox } from "./port-forward-session.js";

/**
 * PortForward: a URL under which a client may connect to TCP ports of a sandbox, as many
 * connections as it likes until it closes the session.
 *
 * @throws ShimError or StreamingError like Exec.
 */
export function createPortForwardUrl({
  store,
  feed,
  streaming,
}: Pick<ShimContext, "store" | "feed" | "streaming">): (
  request: PortForwardRequest,
) => Promise<{ url: string }> {
  return async (request) => {
    await feed.ready();
    requireRunningSandbox(store, request.podSandboxId);
    const { podSandboxId, port: ports } = request;
    return { url: streaming.portForwardUrl({ podSandboxId, ports }) };
  };
}
