/** Tries again what failed, ever more rarely; see {@link createRetries}. */
export interface Retries {
  /** Tries `key` again after its delay, which doubles with each call in a row. */
  schedule(key: string): void;
  /** Forgets `key`: it has been done, or is no more. */
  done(key: string): void;
  /** Keys that wait for their next try, or are being tried. */
  readonly size: number;
  close(): void;
}

/**
 * @param attempt Tries a key; its failure is its own business.
 * @param firstMs Delay of the first retry.
 * @param mostMs Longest delay.
 */
export function createRetries(
  attempt: (key: string) => void,
  { firstMs, mostMs }: { readonly firstMs: number; readonly mostMs: number },
): Retries {
  const waiting = new Map<string, { delayMs: number; timer: NodeJS.Timeout | undefined }>();
  let closed = false;
  return {
    schedule(key) {
      if (closed) return;
      const entry = waiting.get(key);
      if (entry?.timer !== undefined) return;
      const delayMs = Math.min(entry === undefined ? firstMs : entry.delayMs * 2, mostMs);
      const timer = setTimeout(() => {
        waiting.set(key, { delayMs, timer: undefined });
        attempt(key);
      }, delayMs);
      timer.unref();
      waiting.set(key, { delayMs, timer });
    },
    done(key) {
      clearTimeout(waiting.get(key)?.timer);
      waiting.delete(key);
    },
    get size() {
      return waiting.size;
    },
    close() {
      closed = true;
      for (const { timer } of waiting.values()) clearTimeout(timer);
      waiting.clear();
    },
  };
}
