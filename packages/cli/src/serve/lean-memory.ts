import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { giveBackAfterBursts, type Memory } from "./give-back.js";
import { keepNativeMemorySmall } from "./native-memory.js";
import { stopYoungGrowth } from "./young-heap.js";

/** The collector, as V8's `--expose-gc` has it. */
type Collect = (options: { type: "major"; flavor: "last-resort" }) => void;

/**
 * Keeps the memory of a daemon's process small, and gives back what its start and bursts of work have taken.
 *
 * @param intervalMs How often it is looked for the end of a burst.
 */
export function keepMemoryLean(intervalMs?: number): void {
  const native = keepNativeMemorySmall();
  let collect: Collect | undefined;
  let before = performance.eventLoopUtilization();
  const memory: Memory = {
    own: ownBytes,
    busy() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, before);
      before = now;
      return utilization;
    },
    giveBack() {
      stopYoungGrowth();
      collect ??= exposedCollector();
      collect({ type: "major", flavor: "last-resort" });
      native.trim();
      native.unmapProgram();
    },
  };
  giveBackAfterBursts(memory, intervalMs);
  // Where there is no quiet moment to give anything back in.
  setTimeout(stopYoungGrowth, startMs).unref();
}

/** A start takes less, also with a thousand containers. */
const startMs = 15_000;

/** Memory that is no file's, by proc_pid_status(5). */
function ownBytes(): number {
  const [, kib] = /^RssAnon:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kib) * 1024;
}

/** Only contexts that are made after the flag was set have it. */
function exposedCollector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}
