import type { ShimContext } from "../context.js";

interface Reply {
  version: string;
  runtimeName: string;
  runtimeVersion: string;
  runtimeApiVersion: string;
}

/**
 * The engine's version under the runtime name that dockershim always had, from memory.
 *
 * @throws ShimError `unavailable` before the engine has been reached.
 */
export function runtimeVersion({ engine }: Pick<ShimContext, "engine">): Reply {
  return {
    // What every runtime answers: the version of the kubelet's side of old.
    version: "0.1.0",
    runtimeName: "docker",
    runtimeVersion: engine.known().version.Version,
    runtimeApiVersion: "v1",
  };
}

/** Version. */
export function createRuntimeVersion(
  context: Pick<ShimContext, "engine" | "feed">,
): () => Promise<Reply> {
  return async () => {
    await context.feed.ready();
    return runtimeVersion(context);
  };
}
