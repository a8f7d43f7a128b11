import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { giveBackAfterBursts, type Memory } from "./give-back.js";
import { keepNativeHeapSmall } from "./native-heap.js";

/** The collector, as V8's `--expose-gc` has it. */
type Collect = (options: { type: "major"; flavor: "last-resort" }) => void;

/**
 * Keeps the memory of a daemon's process small, and gives back what bursts of work have taken.
 *
 * @param intervalMs How often it is looked for the end of a burst.
 */
export function keepMemoryLean(intervalMs?: number): void {
  const native = keepNativeHeapSmall();
  let collect: Collect | undefined;
  let before = performance.eventLoopUtilization();
  const memory: Memory = {
    rss: process.memoryUsage.rss,
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    giveBack() {
      collect ??= exposedCollector();
      collect({ type: "major", flavor: "last-resort" });
      native.trim();
    },
  };
  giveBackAfterBursts(memory, intervalMs);
}

/** Only contexts that are made after the flag was set have it. */
function exposedCollector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
