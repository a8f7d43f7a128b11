// Loaded into a daemon under test with --import: tells its memory to the benchmark that started it.
// Plain JavaScript, since Node's TypeScript support would weigh several MB in what is measured.
import { isMainThread } from "node:worker_threads";

// Threads inherit --import; the process is told about once.
if (isMainThread) {
  process.on("message", (message) => {
    if (message === "memory") process.send?.(process.memoryUsage());
  });
  process.channel?.unref();

  // A daemon must not outlive the benchmark that started it, however that ends.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, "SIGTERM");
  }, 500).unref();
}
