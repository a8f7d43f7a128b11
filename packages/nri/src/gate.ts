import { NriError } from "./nri-error.js";

/** Many may be inside at once, or one alone. */
export interface Gate {
  /**
   * Waits until nobody is alone inside, or waits to be.
   *
   * @returns What has to be called on leaving; calls after the first do nothing.
   * @throws NriError `aborted` when the signal fires first.
   */
  enter(signal: AbortSignal): Promise<() => void>;
  /** Waits until everybody has left, and keeps others out until the work is done. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createGate(): Gate {
  let inside = 0;
  /** Resolves when the last who wants to be alone is done. */
  let closed: Promise<void> | undefined;
  let empty: (() => void) | undefined;

  function leave(): void {
    inside--;
    if (inside === 0) empty?.();
  }

  async function drained(): Promise<void> {
    if (inside === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    empty = resolve;
    await promise;
    empty = undefined;
  }

  return {
    async enter(signal) {
      while (closed !== undefined) await opened(closed, signal);
      inside++;
      let left = false;
      return () => {
        if (!left) leave();
        left = true;
      };
    },
    async alone(work) {
      const before = closed;
      const { promise, resolve } = Promise.withResolvers<void>();
      closed = promise;
      try {
        await before;
        await drained();
        return await work();
      } finally {
        if (closed === promise) closed = undefined;
        resolve();
      }
    },
  };
}

async function opened(closed: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () =>
    reject(new NriError("aborted", "the caller gave up", { cause: signal.reason }));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort);
  try {
    await Promise.race([closed, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
