import { VersionResponseSchema } from "@dockershim/cri-types";
import { type EncodedReply, encode } from "../messages/encoded.js";
import type { Engine } from "../state/engine.js";

/** What Version uses. */
export interface RuntimeVersionParts {
  readonly engine: Pick<Engine, "known">;
}

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
export function runtimeVersion({ engine }: RuntimeVersionParts): Reply {
  return {
    // What every runtime answers: the version of the kubelet's side of old.
    version: "0.1.0",
    runtimeName: "docker",
    runtimeVersion: engine.known().version.Version,
    runtimeApiVersion: "v1",
  };
}

/** Version. */
export function createRuntimeVersion(parts: RuntimeVersionParts): () => Promise<Reply> {
  return async () => {
    return runtimeVersion(parts);
  };
}

/** Version, encoded. */
export function createHotRuntimeVersion(parts: RuntimeVersionParts): EncodedReply {
  return () => [encode(VersionResponseSchema, runtimeVersion(parts))];
}
