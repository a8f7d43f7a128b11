import type { Logger } from "pino";

/** Steps that take back what an attempt has done so far, run last step first. */
export interface UndoStack {
  push(what: string, step: (signal: AbortSignal) => Promise<void>): void;
  /** Runs all steps under a deadline of their own; a step that fails is logged and left behind. */
  run(): Promise<void>;
}

/** The caller's deadline may be why we clean up at all, so cleaning has its own. */
const cleanupDeadlineMs = 60_000;

export function createUndoStack(log: Logger): UndoStack {
  const steps: { what: string; step: (signal: AbortSignal) => Promise<void> }[] = [];
  return {
    push(what, step) {
      steps.push({ what, step });
    },
    async run() {
      const signal = AbortSignal.timeout(cleanupDeadlineMs);
      for (const { what, step } of steps.reverse()) {
        try {
          await step(signal);
        } catch (err) {
          log.warn({ err, what }, "cleanup step failed");
        }
      }
    },
  };
}
