import { Agent } from "node:http";
import { inspect } from "node:util";

/**
 * docker-modem formats the options of every request with `util.inspect` at unlimited depth, even
 * when its debug output is off. With a pool of 32 connections that walk took 5 ms a call; an agent
 * that prints as one word makes it 0.03 ms.
 */
class OpaqueAgent extends Agent {
  [inspect.custom](): string {
    return "Agent";
  }
}

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
  const pooled = new OpaqueAgent({ keepAlive: true, maxSockets, scheduling: "lifo" });
  const dedicated = new OpaqueAgent({ keepAlive: false });
  return {
    pooled,
    dedicated,
    destroy() {
      pooled.destroy();
      dedicated.destroy();
    },
  };
}
