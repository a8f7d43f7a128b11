import { setTimeout as delay } from "node:timers/promises";

/** How {@link until} waits. */
export interface UntilOptions {
  /** Milliseconds that the condition has to come true. Default 60,000. */
  readonly deadlineMs?: number;
  /** Milliseconds between two looks. Default 5. */
  readonly everyMs?: number;
}

/** What a condition can give when it holds. */
type Held<T> = Exclude<T, false | null | undefined | 0 | "">;

/**
 * Waits until a condition holds.
 *
 * @param condition Looked at again and again; it holds when what it gives is truthy. What it throws
 * ends the wait.
 * @returns What the condition gave.
 * @throws Error naming the condition when it does not hold within the deadline.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 60_000, everyMs = 5 }: UntilOptions = {},
): Promise<Held<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found) return found as Held<T>;
    if (performance.now() > end) {
      throw new Error(`this did not hold within ${deadlineMs} ms: ${condition}`);
    }
    await delay(everyMs);
  }
}
