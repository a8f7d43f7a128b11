import type { Writable } from "node:stream";
import { isTerminal, type Terminal } from "./terminal.js";

const everyMs = 1_000;
const clearLine = "\r\u001b[K";

interface Task {
  readonly text: string;
  readonly startedAt: number;
}

/** What is under way, for each stderr that has a line of it; what has begun first comes first. */
const lines = new WeakMap<Writable, Set<Task>>();

/**
 * Shows on a terminal how long some work has been under way, in a line on stderr that goes away at its end. Work of
 * less than a second shows nothing, and nothing is shown where stderr is no terminal. Of several works at a time the
 * one that has begun first is shown.
 */
export async function showElapsed<T>(
  terminal: Terminal,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  const { stderr, now } = terminal;
  if (!isTerminal(stderr)) return await work();
  const tasks = lines.get(stderr) ?? new Set();
  lines.set(stderr, tasks);
  const task = { text, startedAt: now() };
  tasks.add(task);
  let shown = false;
  const timer = setInterval(() => {
    const [first] = tasks;
    if (first !== task) return;
    shown = true;
    const line = `${text}, ${Math.round((now() - task.startedAt) / 1_000)}s`;
    stderr.write(`${clearLine}${line.slice(0, (stderr.columns ?? 80) - 1)}`);
  }, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    tasks.delete(task);
    if (shown) stderr.write(clearLine);
  }
}
