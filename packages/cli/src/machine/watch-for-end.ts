import { CliError } from "../cli-error.js";
import type { Terminal } from "../output/terminal.js";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Does work that must not be broken off half-way: signals that would end the process fire the work's signal instead,
 * so that it can take back what it did; and it goes on when nobody reads any more what it prints, as after a lost
 * connection.
 */
export async function watchForEnd<T>(
  { stdout }: Terminal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const listeners = signals.map((name) => {
    const listener = (): void => ending.abort(new CliError("failure", `ended by ${name}`));
    process.on(name, listener);
    return { name, listener };
  });
  const readers = stdout.listeners("error") as ((err: Error) => void)[];
  let isRead = true;
  const ignore = (): void => {
    isRead = false;
  };
  stdout.removeAllListeners("error");
  stdout.on("error", ignore);
  try {
    return await work(ending.signal);
  } finally {
    for (const { name, listener } of listeners) process.off(name, listener);
    // What nobody has read is told a moment after it was written.
    await new Promise<void>((told) => stdout.write("", () => setImmediate(told)));
    if (isRead) {
      stdout.off("error", ignore);
      for (const reader of readers) stdout.on("error", reader);
    }
  }
}
