import type { Duplex } from "node:stream";
import { StreamingError } from "./errors.js";
import type { SessionContext } from "./session-registry.js";

/**
 * Has the runtime serve one connection to a port. Resolves with the text for the client if that
 * failed, or null. Never rejects.
 */
export async function forwardPort(
  context: SessionContext,
  podSandboxId: string,
  port: number,
  stream: Duplex,
): Promise<string | null> {
  const abort = new AbortController();
  const onClose = (): void => {
    // Only the connection's end is a StreamingError: a stream whose directions are both done
    // closes without an error, and the runtime may destroy it with errors of its own.
    if (stream.errored instanceof StreamingError) abort.abort(stream.errored);
  };
  stream.once("close", onClose);
  try {
    await context.runtime.portForward({ podSandboxId, port, stream, signal: abort.signal });
    return null;
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason);
    if (stream.errored instanceof StreamingError) {
      // The client hung up on this connection. Telling it about an error would make kubectl
      // drop all the others too.
      context.log.debug("port-forward connection aborted", { podSandboxId, port, message });
      return null;
    }
    context.log.debug("port-forward connection failed", { podSandboxId, port, message });
    return `error forwarding port ${port} to pod ${podSandboxId}: ${message}`;
  } finally {
    stream.off("close", onClose);
  }
}
