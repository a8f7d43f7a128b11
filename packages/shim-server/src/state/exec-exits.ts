import { BoundedMap } from "../async/bounded-map.js";
import { untilAborted } from "../async/until-aborted.js";

/** Tells who waits for an exec that it ended; fed by Docker's `exec_die` events. */
export interface ExecExits {
  report(execId: string, exitCode: number): void;
  /** Settles with the exit code of an exec that ends after this call, or at once for a recent one. */
  wait(execId: string, signal: AbortSignal): Promise<number>;
}

/** Exits that nobody has asked for yet are kept, so that the order of event and wait is free. */
const kept = 256;

export function createExecExits(): ExecExits {
  const recent = new BoundedMap<string, number>(kept);
  const waiting = new Map<string, (exitCode: number) => void>();
  return {
    report(execId, exitCode) {
      const waiter = waiting.get(execId);
      if (waiter !== undefined) waiter(exitCode);
      else recent.set(execId, exitCode);
    },
    async wait(execId, signal) {
      const known = recent.get(execId);
      if (known !== undefined) {
        recent.delete(execId);
        return known;
      }
      const { promise: exit, resolve } = Promise.withResolvers<number>();
      waiting.set(execId, resolve);
      try {
        return await untilAborted(exit, signal);
      } finally {
        waiting.delete(execId);
      }
    },
  };
}
