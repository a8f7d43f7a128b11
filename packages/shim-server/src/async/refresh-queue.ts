/** Reads an object anew, one read at a time per key; see {@link createRefreshQueue}. */
export interface RefreshQueue {
  refresh(key: string): Promise<void>;
  /** Settles with the read that runs; undefined when none does. */
  running(key: string): Promise<void> | undefined;
}

interface Entry {
  readonly running: Promise<void>;
  next: Promise<void> | undefined;
}

/**
 * Serialises and merges reads of one object.
 *
 * The promise that `refresh` returns settles after a read that began later than the call, so the
 * caller sees its own write. Any number of calls that arrive while a read runs share the one read
 * that follows it: a flood of events costs two reads, not one each.
 */
export function createRefreshQueue(read: (key: string) => Promise<void>): RefreshQueue {
  const entries = new Map<string, Entry>();

  function start(key: string): Promise<void> {
    const running = read(key).finally(() => {
      const entry = entries.get(key);
      if (entry?.running === running && entry.next === undefined) entries.delete(key);
    });
    entries.set(key, { running, next: undefined });
    return running;
  }

  return {
    refresh(key) {
      const entry = entries.get(key);
      if (entry === undefined) return start(key);
      entry.next ??= entry.running.then(
        () => start(key),
        () => start(key),
      );
      return entry.next;
    },
    running: (key) => entries.get(key)?.running,
  };
}
