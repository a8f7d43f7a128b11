import type { Logger } from "pino";
import { within } from "./within.js";

/** Steps that take back what an attempt has done so far, run last step first. */
export interface UndoStack {
  push(what: string, step: (signal: AbortSignal) => Promise<void>): void;
  /**
   * Runs all steps, each under a deadline of its own: a step that fails, or hangs, is logged and
   * left behind.
   */
  run(): Promise<void>;
}

/** How long a step may take to end once it has been told to, in ms. */
const graceMs = 1_000;

/**
 * @param stepDeadlineMs How long one step may take. The caller's deadline may be why we clean up
 * at all, and one step must not use up what another needs.
 */
export function createUndoStack(log: Pick<Logger, "warn">, stepDeadlineMs = 60_000): UndoStack {
  const steps: { what: string; step: (signal: AbortSignal) => Promise<void> }[] = [];

  async function undo(what: string, step: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      const ended = step(AbortSignal.timeout(stepDeadlineMs));
      // What does not heed its signal is not waited for either.
      if ((await within(ended, stepDeadlineMs + graceMs)) !== "late") return;
      ended.catch(() => undefined);
      log.warn({ what }, "cleanup step did not end in time");
    } catch (err) {
      log.warn({ err, what }, "cleanup step failed");
    }
  }

  return {
    push(what, step) {
      steps.push({ what, step });
    },
    async run() {
      for (const { what, step } of steps.reverse()) await undo(what, step);
    },
  };
}
