/** Lets operations through at a bounded rate, a bounded number at a time, first come first served. */
export interface Pacer {
  run<Result>(operation: () => Promise<Result>): Promise<Result>;
}

/**
 * Makes a pacer.
 *
 * @param perSecond - Operations per second; Infinity for no bound.
 * @param concurrency - Operations that may be under way at once.
 */
export function createPacer(perSecond: number, concurrency: number): Pacer {
  const waiting: (() => void)[] = [];
  // A tenth of a second's worth may go at once after a pause: timers are too coarse for less.
  const burst = Math.max(1, perSecond / 10);
  let tokens = burst;
  let refilledAt = performance.now();
  let running = 0;
  let timer: NodeJS.Timeout | undefined;

  function refill(): void {
    const now = performance.now();
    tokens = Math.min(burst, tokens + ((now - refilledAt) / 1000) * perSecond);
    refilledAt = now;
  }

  function pump(): void {
    if (waiting.length === 0 || running >= concurrency) return;
    if (perSecond !== Number.POSITIVE_INFINITY) refill();
    while (waiting.length > 0 && running < concurrency && tokens >= 1) {
      if (perSecond !== Number.POSITIVE_INFINITY) tokens--;
      running++;
      waiting.shift()?.();
    }
    if (waiting.length > 0 && tokens < 1 && timer === undefined) {
      timer = setTimeout(
        () => {
          timer = undefined;
          pump();
        },
        Math.max(1, (1000 * (1 - tokens)) / perSecond),
      );
    }
  }

  return {
    async run(operation) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        pump();
      });
      try {
        return await operation();
      } finally {
        running--;
        pump();
      }
    },
  };
}
