import type { ShimMetrics } from "./shim-metrics.js";

/**
 * The daemon's metrics, when they are served. prom-client is loaded only then: nobody else should have to
 * hold it in memory.
 *
 * @param address Where they will be served; empty for nowhere.
 */
export async function createMetrics(address: string): Promise<ShimMetrics | undefined> {
  if (address === "") return undefined;
  const { createShimMetrics } = await import("./shim-metrics.js");
  return createShimMetrics();
}
