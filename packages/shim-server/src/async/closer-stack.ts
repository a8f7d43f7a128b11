import type { Logger } from "pino";
import { within } from "./within.js";

/** Ends what was opened, in reverse; see {@link createCloserStack}. */
export interface CloserStack {
  /** @param what For the log. */
  push(what: string, close: () => Promise<void> | void): void;
  /** Ends everything, once. */
  close(): Promise<void>;
}

/**
 * Each part registers how it is ended as soon as it is open, so that a start that fails half-way
 * ends just what there is.
 *
 * One that fails does not keep the others from being ended, nor does one that hangs: all together
 * may take `budgetMs`, after which the rest are only told to end.
 */
export function createCloserStack(log: Pick<Logger, "warn">, budgetMs: number): CloserStack {
  const closers: { readonly what: string; readonly close: () => Promise<void> | void }[] = [];

  async function closeOne(
    { what, close }: (typeof closers)[number],
    leftMs: number,
  ): Promise<void> {
    try {
      const ended = Promise.resolve(close());
      if ((await within(ended, leftMs)) !== "late") return;
      log.warn({ part: what }, "did not end in time");
      ended.catch(() => undefined);
    } catch (err) {
      log.warn({ err, part: what }, "did not end cleanly");
    }
  }

  return {
    push(what, close) {
      closers.push({ what, close });
    },
    async close() {
      const end = performance.now() + budgetMs;
      for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
        await closeOne(closer, Math.max(0, end - performance.now()));
      }
    },
  };
}
