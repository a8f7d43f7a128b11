import { Agent } from "node:http";

/** The two kinds of connections to an engine. */
export interface EngineAgents {
  /** Kept alive and reused, at most `maxSockets`; for calls that end soon. */
  readonly pooled: Agent;
  /**
   * One connection per call, without a limit: a follower of logs may hold one for days, and must
   * not take it from the pool.
   */
  readonly dedicated: Agent;
  /** Destroys all connections of both. */
  destroy(): void;
}

/** Makes the agents; no connection is opened yet. */
export function createEngineAgents(maxSockets: number): EngineAgents {
  const pooled = new Agent({ keepAlive: true, maxSockets, scheduling: "lifo" });
  const dedicated = new Agent({ keepAlive: false });
  return {
    pooled,
    dedicated,
    destroy() {
      pooled.destroy();
      dedicated.destroy();
    },
  };
}
