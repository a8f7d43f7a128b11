// Loaded into a daemon under test with --import: tells its memory and how late its event loop is to the
// benchmark that started it.
// Plain JavaScript, since Node's TypeScript support would weigh several MB in what is measured.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

// Threads inherit --import; the process is told about once.
if (isMainThread) {
  const resolution = 10;
  const delay = monitorEventLoopDelay({ resolution });
  const answers = {
    memory: () => process.memoryUsage(),
    // It wakes the loop up a hundred times a second, so it only runs when it is asked for.
    "watch delay": () => {
      delay.reset();
      return delay.enable();
    },
    delay: () => {
      delay.disable();
      // Each wake-up comes after the resolution, and what is more is delay.
      return Math.max(0, delay.percentile(99) / 1e6 - resolution);
    },
  };
  process.on("message", (message) => process.send?.(answers[message]?.()));
  process.channel?.unref();

  // A daemon must not outlive the benchmark that started it, however that ends.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  }, 500).unref();
}
