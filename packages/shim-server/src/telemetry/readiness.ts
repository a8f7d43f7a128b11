import type { ShimContext } from "../context.js";

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
}: Pick<ShimContext, "feed" | "engine" | "network">): Promise<string | undefined> {
  if (!engine.connected) return `Docker Engine is out of reach: ${engine.problem}`;
  if (!feed.current) return "the engine is being read";
  const { ready, message } = await network.readiness();
  return ready ? undefined : message;
}
