import type { RequestObserver } from "@dockershim/docker-client";
import type { NetworkObserver, NriCallObserver } from "../observed/observers.js";
import type { Tracing } from "../observed/tracing.js";
import type { ShimMetrics } from "./shim-metrics.js";

/** Who is told of what the daemon asks of others; undefined where nobody wants to know. */
export interface Observers {
  readonly request: RequestObserver | undefined;
  readonly network: NetworkObserver | undefined;
  readonly nri: NriCallObserver | undefined;
}

/** Joins metrics and tracing, of which either may be missing. */
export function createObservers(
  metrics: ShimMetrics | undefined,
  tracing: Tracing | undefined,
): Observers {
  if (metrics === undefined && tracing === undefined) {
    return { request: undefined, network: undefined, nri: undefined };
  }
  return {
    nri: metrics?.nri,
    request(operation) {
      const count = metrics?.onRequest(operation);
      const end = tracing?.begin(`docker ${operation}`);
      return (error) => {
        count?.(error);
        end?.(error);
      };
    },
    network(command) {
      const count = metrics?.onCni(command);
      const end = tracing?.begin(`cni ${command}`);
      return (error) => {
        count?.(error !== undefined);
        end?.(error);
      };
    },
  };
}
