import { readdirSync } from "node:fs";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { getHeapStatistics } from "node:v8";
import { Counter, type Registry } from "prom-client";
import { addGauge, addGaugeByLabel } from "./scraped-gauges.js";

/** A delay is noticed when it is longer than this, in ms; shorter ones would wake us too often. */
const delayResolutionMs = 20;

/**
 * What Prometheus wants of every process, and Node's event loop and heap.
 *
 * @returns A function that ends the measuring of the event loop.
 */
export function addProcessMetrics(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  const started = Date.now() / 1000 - process.uptime();

  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time used, in seconds.",
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  addGauge(
    registry,
    "process_start_time_seconds",
    "Start of the process, Unix time.",
    () => started,
  );
  addGauge(registry, "process_resident_memory_bytes", "Resident memory, in bytes.", () =>
    process.memoryUsage.rss(),
  );
  addGauge(
    registry,
    "process_open_fds",
    "Open file descriptors.",
    () => readdirSync("/proc/self/fd").length,
  );
  addGauge(
    registry,
    "nodejs_heap_size_used_bytes",
    "Bytes in V8's heap that are in use.",
    () => getHeapStatistics().used_heap_size,
  );
  addGauge(
    registry,
    "nodejs_heap_size_total_bytes",
    "Bytes that V8's heap takes.",
    () => getHeapStatistics().total_heap_size,
  );
  addGauge(
    registry,
    "nodejs_external_memory_bytes",
    "Bytes of buffers outside of the heap.",
    () => process.memoryUsage().external,
  );
  addGaugeByLabel(
    registry,
    "nodejs_eventloop_lag_seconds",
    "Delay of the event loop since the last scrape.",
    "kind",
    () => {
      const figures = {
        mean: delay.mean,
        p50: delay.percentile(50),
        p99: delay.percentile(99),
        max: delay.max,
      };
      const empty = delay.count === 0;
      delay.reset();
      return Object.entries(figures).map(
        // What is measured are the timer's intervals, of which the resolution is no delay.
        ([kind, ns]) =>
          [kind, empty ? 0 : Math.max(0, ns / 1e9 - delayResolutionMs / 1e3)] as const,
      );
    },
  );
  let lastUse = performance.eventLoopUtilization();
  addGauge(
    registry,
    "nodejs_eventloop_utilization",
    "Part of the time since the last scrape that the event loop was busy.",
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, lastUse);
      lastUse = now;
      return utilization;
    },
  );
  return () => delay.disable();
}
