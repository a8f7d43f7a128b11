import { Code } from "@connectrpc/connect";
import type { RequestObserver } from "@dockershim/docker-client";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { CallObserver, FeedObserver } from "../observed/observers.js";
import type { Engine } from "../state/engine.js";
import type { EventFeed } from "../state/event-feed.js";
import type { ImageStore } from "../state/image-store.js";
import type { Store } from "../state/store.js";
import type { Streaming } from "../streaming/streaming.js";
import { addProcessMetrics } from "./process-metrics.js";
import { createRegistry, type GaugeSample, type Registry } from "./registry.js";

/** The daemon's own metrics, and where the parts report to. */
export interface ShimMetrics {
  readonly onCall: CallObserver;
  readonly onRequest: RequestObserver;
  readonly onCni: (command: "ADD" | "DEL") => (failed: boolean) => void;
  readonly feed: FeedObserver;
  /** Adds what is only read when somebody scrapes, once the parts are there. */
  watch(parts: MetricParts): void;
  render(): string;
  close(): void;
}

/** What is read when somebody scrapes. */
export interface MetricParts {
  readonly store: Pick<Store, "containers" | "sandboxes" | "unread">;
  readonly images: Pick<ImageStore, "all">;
  readonly engine: Pick<Engine, "connected">;
  readonly feed: Pick<EventFeed, "current">;
  readonly streaming: Pick<Streaming, "stats">;
  readonly logs: Pick<ContainerLogs, "lag">;
}

const callBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
];

export function createShimMetrics(): ShimMetrics {
  const registry = createRegistry();
  const calls = registry.counter("dockershim_cri_calls_total", "CRI calls that were answered.", [
    "method",
    "code",
  ]);
  const callTime = registry.histogram(
    "dockershim_cri_call_duration_seconds",
    "Time until a CRI call was answered; of a stream, until it ended.",
    callBuckets,
    ["method"],
  );
  const requests = registry.counter(
    "dockershim_engine_requests_total",
    "Requests to the engine that were answered, by the error's code or ok.",
    ["operation", "code"],
  );
  const requestTime = registry.histogram(
    "dockershim_engine_request_duration_seconds",
    "Time until the engine began to answer a request.",
    callBuckets,
    ["operation"],
  );
  const cni = registry.counter(
    "dockershim_cni_operations_total",
    "Networks set up and taken down.",
    ["command", "result"],
  );
  const cniTime = registry.histogram(
    "dockershim_cni_operation_duration_seconds",
    "Time that the CNI plugins of a network took.",
    callBuckets,
    ["command"],
  );
  const eventLag = registry.histogram(
    "dockershim_engine_event_lag_seconds",
    "Time between an event in the engine and its arrival here.",
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 10],
  );
  const resyncs = registry.counter(
    "dockershim_resyncs_total",
    "Full comparisons with the engine after a (re)connection.",
  );
  const losses = registry.counter(
    "dockershim_engine_disconnections_total",
    "Times that the engine's event stream broke.",
  );
  // Counters that have not counted yet are shown as 0, so that a first increase is seen.
  resyncs.add(0);
  losses.add(0);
  const closeProcessMetrics = addProcessMetrics(registry);

  return {
    onCall(method, ms, code) {
      calls.add(1, method, code === undefined ? "OK" : codeName(code));
      callTime.observe(ms / 1000, method);
    },
    onRequest(operation) {
      const started = performance.now();
      return (error) => {
        requests.add(1, operation, error?.code ?? "ok");
        requestTime.observe((performance.now() - started) / 1000, operation);
      };
    },
    onCni(command) {
      const started = performance.now();
      return (failed) => {
        cni.add(1, command, failed ? "error" : "ok");
        cniTime.observe((performance.now() - started) / 1000, command);
      };
    },
    feed: {
      // The engine's clock need not be ours.
      event: (lagMs) => eventLag.observe(Math.max(0, lagMs) / 1000),
      resynced: () => resyncs.add(1),
      lost: () => losses.add(1),
    },
    watch: (parts) => addPartMetrics(registry, parts),
    render: () => registry.render(),
    close: closeProcessMetrics,
  };
}

/** gRPC's spelling: NOT_FOUND. */
function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

function addPartMetrics(registry: Registry, parts: MetricParts): void {
  const { store, images, engine, feed, streaming, logs } = parts;
  registry.gauge(
    "dockershim_containers",
    "Containers in the store, by the engine's state.",
    () => countStates(store.containers()),
    ["state"],
  );
  registry.gauge(
    "dockershim_sandboxes",
    "Sandboxes in the store, by the engine's state of their pause container.",
    () => countStates(store.sandboxes()),
    ["state"],
  );
  registry.gauge(
    "dockershim_containers_unread",
    "Containers that the engine does not let be inspected; what its list tells stands in.",
    () => [[store.unread]],
  );
  registry.gauge("dockershim_images", "Images in the store.", () => [[[...images.all()].length]]);
  registry.gauge("dockershim_engine_connected", "1 while the engine's event stream stands.", () => [
    [engine.connected ? 1 : 0],
  ]);
  registry.gauge(
    "dockershim_store_current",
    "1 while the store holds what the engine holds.",
    () => [[feed.current ? 1 : 0]],
  );
  registry.gauge(
    "dockershim_streaming",
    "Exec, attach and port-forward: URLs not yet used, connections, sessions, streams, forwarded " +
      "connections and bytes in buffers.",
    () => {
      const stats = streaming.stats();
      return Object.entries(stats).map(([kind, value]): GaugeSample => [value, kind]);
    },
    ["kind"],
  );
  registry.gauge(
    "dockershim_log_lag_seconds",
    "How long the first of the containers whose log file is behind has been so; 0 when none is.",
    () => [[logs.lag().seconds]],
  );
  registry.gauge(
    "dockershim_logs_behind",
    "Containers whose log file is behind what they have written.",
    () => [[logs.lag().containers]],
  );
}

function countStates(
  records: Iterable<{ readonly inspect: { readonly State: { readonly Status: string } } }>,
): GaugeSample[] {
  const counts = new Map<string, number>();
  for (const { inspect } of records) {
    const { Status: status } = inspect.State;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return Array.from(counts, ([status, count]): GaugeSample => [count, status]);
}
