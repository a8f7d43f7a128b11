import type { ShimContext } from "../context.js";

interface Reply {
  version: string;
  runtimeName: string;
  runtimeVersion: string;
  runtimeApiVersion: string;
}

/** Version: the engine's, under the runtime name that dockershim always had. */
export function createRuntimeVersion(context: Pick<ShimContext, "engine">): () => Promise<Reply> {
  return async () => ({
    // The kubelet's API version of old; "0.1.0" is what every runtime answers.
    version: "0.1.0",
    runtimeName: "docker",
    runtimeVersion: (await context.engine.version()).Version,
    runtimeApiVersion: "v1",
  });
}
