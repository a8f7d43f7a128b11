import { CniError } from "./errors.js";

/** A time limit joined with a caller's signal. */
export interface Deadline {
  /** Aborts with a CniError (`timeout` or `aborted`) as its reason. */
  readonly signal: AbortSignal;
  /** Must be called when the work is over: it clears the timer. */
  dispose(): void;
}

/**
 * @param what names the work in the error
 * @param timeoutMs time limit in milliseconds
 * @param signals whose abort ends the work as well: the caller's own, the runtime's end
 */
export function createDeadline(
  what: string,
  timeoutMs: number,
  signals: readonly (AbortSignal | undefined)[],
): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new CniError("timeout", `${what} did not finish within ${timeoutMs} ms`));
  }, timeoutMs);
  const given = signals.filter((signal) => signal !== undefined);
  const onAbort = () => {
    const cause = given.find((signal) => signal.aborted)?.reason;
    controller.abort(new CniError("aborted", `${what} was aborted`, { cause }));
  };
  if (given.some((signal) => signal.aborted)) {
    onAbort();
  } else {
    for (const signal of given) signal.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      for (const signal of given) signal.removeEventListener("abort", onAbort);
    },
  };
}
