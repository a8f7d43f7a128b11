import { Code } from "@connectrpc/connect";
import type { RequestObserver } from "@dockershim/docker-client";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { ContainerLogs } from "../logs/container-logs.js";
import type { CallObserver, FeedObserver, NriCallObserver } from "../observed/observers.js";
import type { Engine } from "../state/engine.js";
import type { EventFeed } from "../state/event-feed.js";
import type { ImageStore } from "../state/image-store.js";
import type { Store } from "../state/store.js";
import type { Streaming } from "../streaming/streaming.js";
import { addProcessMetrics } from "./process-metrics.js";
import { addGauge, addGaugeByLabel, type LabelledValue } from "./scraped-gauges.js";

/** The daemon's own metrics, and where the parts report to. */
export interface ShimMetrics {
  readonly onCall: CallObserver;
  readonly onRequest: RequestObserver;
  readonly onCni: (command: "ADD" | "DEL") => (failed: boolean) => void;
  readonly feed: FeedObserver;
  readonly nri: NriCallObserver;
  /** Adds what is only read when somebody scrapes, once the parts are there. */
  watch(parts: MetricParts): void;
  /** All of it in Prometheus' text format. */
  render(): Promise<string>;
  /** Media type of {@link render}. */
  readonly contentType: string;
  close(): void;
}

/** What is read when somebody scrapes. */
export interface MetricParts {
  readonly store: Pick<Store, "containers" | "sandboxes" | "unread">;
  readonly images: Pick<ImageStore, "all" | "unread">;
  readonly engine: Pick<Engine, "connected">;
  readonly feed: Pick<EventFeed, "current">;
  readonly streaming: Pick<Streaming, "stats">;
  readonly logs: Pick<ContainerLogs, "lag">;
}

const callBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120,
];

export function createShimMetrics(): ShimMetrics {
  const registry = new Registry();
  const registers = [registry];
  const buckets = callBuckets;
  const calls = new Counter({
    name: "dockershim_cri_calls_total",
    help: "CRI calls that were answered.",
    labelNames: ["method", "code"],
    registers,
  });
  const callTime = new Histogram({
    name: "dockershim_cri_call_duration_seconds",
    help: "Time until a CRI call was answered; of a stream, until it ended.",
    labelNames: ["method"],
    buckets,
    registers,
  });
  const requests = new Counter({
    name: "dockershim_engine_requests_total",
    help: "Requests to the engine that were answered, by the error's code or ok.",
    labelNames: ["operation", "code"],
    registers,
  });
  const requestTime = new Histogram({
    name: "dockershim_engine_request_duration_seconds",
    help: "Time until the engine began to answer a request.",
    labelNames: ["operation"],
    buckets,
    registers,
  });
  const cni = new Counter({
    name: "dockershim_cni_operations_total",
    help: "Networks set up and taken down.",
    labelNames: ["command", "result"],
    registers,
  });
  const cniTime = new Histogram({
    name: "dockershim_cni_operation_duration_seconds",
    help: "Time that the CNI plugins of a network took.",
    labelNames: ["command"],
    buckets,
    registers,
  });
  const eventLag = new Histogram({
    name: "dockershim_engine_event_lag_seconds",
    help: "Time between an event in the engine and its arrival here.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 10],
    registers,
  });
  const resyncs = new Counter({
    name: "dockershim_resyncs_total",
    help: "Full comparisons with the engine after a (re)connection.",
    registers,
  });
  const losses = new Counter({
    name: "dockershim_engine_disconnections_total",
    help: "Times that the engine's event stream broke.",
    registers,
  });
  const nri = nriMetrics(registry);
  const closeProcessMetrics = addProcessMetrics(registry);

  return {
    onCall(method, ms, code) {
      calls.inc({ method, code: code === undefined ? "OK" : codeName(code) });
      callTime.observe({ method }, ms / 1000);
    },
    onRequest(operation) {
      const started = performance.now();
      return (error) => {
        requests.inc({ operation, code: error?.code ?? "ok" });
        requestTime.observe({ operation }, (performance.now() - started) / 1000);
      };
    },
    onCni(command) {
      const started = performance.now();
      return (failed) => {
        cni.inc({ command, result: failed ? "error" : "ok" });
        cniTime.observe({ command }, (performance.now() - started) / 1000);
      };
    },
    feed: {
      // The engine's clock need not be ours.
      event: (lagMs) => eventLag.observe(Math.max(0, lagMs) / 1000),
      resynced: () => resyncs.inc(),
      lost: () => losses.inc(),
    },
    nri,
    watch: (parts) => addPartMetrics(registry, parts),
    render: () => registry.metrics(),
    contentType: registry.contentType,
    close: closeProcessMetrics,
  };
}

/** Metrics of a node without NRI have no rows. */
function nriMetrics(registry: Registry): NriCallObserver {
  const registers = [registry];
  const calls = new Counter({
    name: "dockershim_nri_calls_total",
    help: "Calls of NRI plugins that are over, by the error's code or ok.",
    labelNames: ["plugin", "method", "code"],
    registers,
  });
  const callTime = new Histogram({
    name: "dockershim_nri_call_duration_seconds",
    help: "Time that an NRI plugin took for a call.",
    labelNames: ["plugin", "method"],
    buckets: callBuckets,
    registers,
  });
  const connected = new Gauge({
    name: "dockershim_nri_plugin_connected",
    help: "1 while an NRI plugin is connected, 0 once it is gone.",
    labelNames: ["plugin"],
    registers,
  });
  const known = new Set<string>();
  return {
    calling: (plugin, method) => (ms, error) => {
      calls.inc({ plugin, method, code: error ?? "ok" });
      callTime.observe({ plugin, method }, ms / 1000);
    },
    connected(plugins) {
      for (const plugin of plugins) known.add(plugin);
      for (const plugin of known) connected.set({ plugin }, Number(plugins.includes(plugin)));
    },
  };
}

/** gRPC's spelling: NOT_FOUND. */
function codeName(code: Code): string {
  return (Code[code] ?? "Unknown").replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase();
}

function addPartMetrics(registry: Registry, parts: MetricParts): void {
  const { store, images, engine, feed, streaming, logs } = parts;
  addGaugeByLabel(
    registry,
    "dockershim_containers",
    "Containers in the store, by the engine's state.",
    "state",
    () => countStates(store.containers()),
  );
  addGaugeByLabel(
    registry,
    "dockershim_sandboxes",
    "Sandboxes in the store, by the engine's state of their pause container.",
    "state",
    () => countStates(store.sandboxes()),
  );
  addGauge(
    registry,
    "dockershim_containers_unread",
    "Containers that the engine does not let be inspected; what its list tells stands in.",
    () => store.unread,
  );
  addGauge(registry, "dockershim_images", "Images in the store.", () => [...images.all()].length);
  addGauge(
    registry,
    "dockershim_images_unread",
    "Images that the engine does not let be inspected; what its list tells stands in.",
    () => images.unread,
  );
  addGauge(
    registry,
    "dockershim_engine_connected",
    "1 while the engine's event stream stands.",
    () => Number(engine.connected),
  );
  addGauge(
    registry,
    "dockershim_store_current",
    "1 while the store holds what the engine holds.",
    () => Number(feed.current),
  );
  addGaugeByLabel(
    registry,
    "dockershim_streaming",
    "Exec, attach and port-forward: URLs not yet used, connections, sessions, streams, forwarded " +
      "connections and bytes in buffers.",
    "kind",
    () => Object.entries(streaming.stats()),
  );
  addGauge(
    registry,
    "dockershim_log_lag_seconds",
    "How long the first of the containers whose log file is behind has been so; 0 when none is.",
    () => logs.lag().seconds,
  );
  addGauge(
    registry,
    "dockershim_logs_behind",
    "Containers whose log file is behind what they have written.",
    () => logs.lag().containers,
  );
}

function countStates(
  records: Iterable<{ readonly inspect: { readonly State: { readonly Status: string } } }>,
): Iterable<LabelledValue> {
  const counts = new Map<string, number>();
  for (const { inspect } of records) {
    const { Status: status } = inspect.State;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  return counts;
}
