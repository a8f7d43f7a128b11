import type { RuntimeAttachRequest } from "@dockershim/streaming";
import type { ShimContext } from "../context.js";
import { requireRunning } from "../state/container-lookup.js";
import { joinStreams } from "./join-streams.js";

/**
 * Joins an attach session with the main process of a container, until that ends or the client
 * detaches; the process goes on without it.
 */
export function createAttachSession(
  context: Pick<ShimContext, "docker" | "store" | "feed">,
): (request: RuntimeAttachRequest) => Promise<void> {
  const { docker, store, feed } = context;
  return async (session) => {
    const { containerId, stdin, stdout, stderr, signal } = session;
    await feed.ready();
    const record = requireRunning(store, containerId);
    // Whether output comes in frames was decided when the container was made.
    const tty = record.inspect.Config.Tty === true;
    const stream = await docker.containers.attach(containerId, {
      tty,
      stdin: stdin !== null,
      stdout: stdout !== null,
      stderr: stderr !== null,
      signal,
    });
    try {
      await joinStreams(session, stream, async (size) => {
        if (tty) await docker.containers.resize(containerId, size, { signal });
      });
    } finally {
      stream.close();
    }
  };
}
