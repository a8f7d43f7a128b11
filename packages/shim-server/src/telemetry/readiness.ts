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
 * @returns Why it cannot, for people; undefined when it can.
 */
export async function whyUnready({
  feed,
  engine,
  network,
}: ReadinessParts): Promise<string | undefined> {
  if (!engine.connected) return `Docker Engine is out of reach: ${engine.problem}`;
  if (!feed.current) return "the engine is being read";
  const { ready, message } = await network.readiness();
  return ready ? undefined : message;
}
