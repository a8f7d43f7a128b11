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
 * @param signal the caller's own signal, if any
 */
export function createDeadline(
  what: string,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort(new CniError("timeout", `${what} did not finish within ${timeoutMs} ms`));
  }, timeoutMs);
  const onAbort = () => {
    controller.abort(new CniError("aborted", `${what} was aborted`, { cause: signal?.reason }));
  };
  if (signal?.aborted) {
    onAbort();
  } else {
    signal?.addEventListener("abort", onAbort, { once: true });
  }
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
