import type { Terminal } from "./terminal.js";

const everyMs = 1_000;
const clearLine = "\r\u001b[K";

/**
 * Shows on a terminal how long some work has been under way, in a line on stderr that goes away at its end. Work of
 * less than a second shows nothing, and nothing is shown where stderr is no terminal.
 */
export async function showElapsed<T>(
  { stderr, now }: Terminal,
  text: string,
  work: () => Promise<T>,
): Promise<T> {
  if ((stderr as { isTTY?: boolean }).isTTY !== true) return await work();
  const startedAt = now();
  let shown = false;
  const timer = setInterval(() => {
    shown = true;
    stderr.write(`${clearLine}${text}, ${Math.round((now() - startedAt) / 1_000)}s`);
  }, everyMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    if (shown) stderr.write(clearLine);
  }
}
