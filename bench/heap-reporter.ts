// Loaded into a daemon under test with --import: tells its memory to the benchmark that started it.
process.on("message", (message) => {
  if (message === "memory") process.send?.(process.memoryUsage());
});
process.channel?.unref();
