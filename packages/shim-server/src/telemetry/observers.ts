import type { RequestObserver } from "@dockershim/docker-client";
import type {
  NetworkObserver,
  NriCallObserver,
  PluginObserver,
  SpecHookObserver,
} from "../observed/observers.js";
import type { CallRecorder } from "../observed/timelines.js";
import type { EndSpan, Tracing } from "../observed/tracing.js";
import type { ShimMetrics } from "./shim-metrics.js";

/** Who is told of what the daemon asks of others; undefined where nobody wants to know. */
export interface Observers {
  readonly request: RequestObserver | undefined;
  readonly network: NetworkObserver | undefined;
  readonly nri: NriCallObserver | undefined;
  readonly plugin: PluginObserver | undefined;
  readonly specHook: SpecHookObserver | undefined;
}

/** Joins metrics, tracing and timelines, of which each may be missing. */
export function createObservers(
  metrics: ShimMetrics | undefined,
  tracing: Tracing | undefined,
  recorder?: Pick<CallRecorder, "begin">,
): Observers {
  if (metrics === undefined && tracing === undefined && recorder === undefined) {
    return {
      ...{ request: undefined, network: undefined, nri: undefined, plugin: undefined },
      specHook: undefined,
    };
  }
  function begin(name: string): EndSpan {
    const ends = [tracing?.begin(name), recorder?.begin(name)];
    return (error) => {
      for (const end of ends) end?.(error);
    };
  }
  return {
    nri: {
      calling(plugin, method) {
        const count = metrics?.nri.calling(plugin, method);
        const end = begin(`nri ${method} ${plugin}`);
        return (ms, error) => {
          count?.(ms, error);
          end(error);
        };
      },
      connected: (plugins) => metrics?.nri.connected(plugins),
    },
    request(operation) {
      const count = metrics?.onRequest(operation);
      const end = begin(`docker ${operation}`);
      return (error) => {
        count?.(error);
        end(error);
      };
    },
    network(command) {
      const count = metrics?.onCni(command);
      const end = begin(`cni ${command}`);
      return (error) => {
        count?.(error !== undefined);
        end(error);
      };
    },
    plugin: (plugin, command) => begin(`cni ${command} ${plugin}`),
    specHook: () => begin("spec hook"),
  };
}
