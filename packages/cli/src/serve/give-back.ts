/** What {@link giveBackAfterBursts} watches, and what it can do. */
export interface Memory {
  /** Memory that the process alone has, in bytes. */
  own(): number;
  /** Share of the time in which the event loop was at work since it was asked last, 0 to 1. */
  busy(): number;
  /** Frees all that can be freed; blocks the event loop for some tens of milliseconds. */
  giveBack(): void;
}

const everyMs = 5_000;
/** So much more than at its least counts as a burst. */
const burstBytes = 12 * 1024 * 1024;
/** Whoever waits for the daemon is not to wait for this too. */
const quiet = 0.2;

/**
 * Gives memory back once the start, or a burst of work, is over.
 *
 * V8 collects its old generation when that is full and not because it is mostly garbage, and with no work
 * nothing fills it: what one large reply took would stay for hours.
 *
 * @returns A function that ends the watch.
 */
export function giveBackAfterBursts(memory: Memory, intervalMs: number = everyMs): () => void {
  // The start is a burst from nothing.
  let least = 0;
  const look = () => {
    const own = memory.own();
    const busy = memory.busy();
    if (own > least + burstBytes && busy < quiet) {
      memory.giveBack();
      // What is left now is in use.
      least = memory.own();
    } else {
      least = Math.min(least, own);
    }
  };
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // A process that may open no more files cannot look, and has worse to deal with than its size.
    }
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
