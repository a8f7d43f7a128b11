import type { PodNetwork } from "../network/pod-network.js";
import type { Engine } from "../state/engine.js";
import type { EventFeed } from "../state/event-feed.js";

/** What readiness follows from. */
export interface ReadinessParts {
  readonly feed: Pick<EventFeed, "current">;
  readonly engine: Pick<Engine, "connected" | "problem">;
  readonly network: Pick<PodNetwork, "readiness">;
}

/**
 * Whether the daemon can serve pods: the engine is there, the store holds what it holds, and the
 * network has a configuration.
 *
 * @returns Why it cannot, for people; empty when it can.
 */
export async function unreadyReasons({ feed, engine, network }: ReadinessParts): Promise<string[]> {
  const reasons: string[] = [];
  if (!engine.connected) reasons.push(`Docker Engine is out of reach: ${engine.problem}`);
  else if (!feed.current) reasons.push("the engine is being read");
  const { ready, message } = await network.readiness();
  if (!ready) reasons.push(message);
  return reasons;
}
