import type { DockerContainers } from "@dockershim/docker-client";
import type { RuntimeAttachRequest } from "@dockershim/streaming";
import {
  type ContainerLookup,
  readIfListedOnly,
  requireRunning,
} from "../state/container-lookup.js";
import type { Store } from "../state/store.js";
import { joinStreams } from "./join-streams.js";
import { detachKeys } from "./terminal-input.js";

/** What an attach session uses. */
export interface AttachSessionParts {
  readonly docker: { readonly containers: Pick<DockerContainers, "attach" | "resize"> };
  readonly store: ContainerLookup & Pick<Store, "refresh">;
}

/**
 * Joins an attach session with the main process of a container, until that ends or the client
 * detaches; the process goes on without it.
 */
export function createAttachSession({
  docker,
  store,
}: AttachSessionParts): (request: RuntimeAttachRequest) => Promise<void> {
  return async (session) => {
    const { containerId, stdin, stdout, stderr, signal } = session;
    const record = await readIfListedOnly(store, requireRunning(store, containerId));
    // Whether output comes in frames was decided when the container was made.
    const tty = record.inspect.Config.Tty === true;
    const stream = await docker.containers.attach(record.id, {
      tty,
      stdin: stdin !== null,
      stdout: stdout !== null,
      stderr: stderr !== null,
      ...(tty ? { detachKeys } : {}),
      signal,
    });
    try {
      await joinStreams(session, {
        stream,
        resize: async (size) => {
          if (tty) await docker.containers.resize(record.id, size, { signal });
        },
        typed: false,
      });
    } finally {
      stream.close();
    }
  };
}
