/** How far the copying of logs is behind Docker's own copy. */
export interface LogLag {
  /** Containers whose log has more to copy than one turn takes, or takes nothing. */
  readonly containers: number;
  /** How long the first of them has been behind without a break, in seconds; 0 when none is. */
  readonly seconds: number;
}

/** The thread's side; see {@link createLogLagRecorder}. */
export interface LogLagRecorder {
  behind(id: string): void;
  caughtUp(id: string): void;
}

const slots = 2;

/** Memory that the thread writes and the main thread reads, so that a reading costs no message. */
export function createLogLagMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(slots * BigInt64Array.BYTES_PER_ELEMENT);
}

/** Keeps in that memory how many containers are behind, and since when the first one is. */
export function createLogLagRecorder(
  memory: SharedArrayBuffer,
  now: () => number = Date.now,
): LogLagRecorder {
  const cells = new BigInt64Array(memory);
  // In the order in which they fell behind: the first entry is the one that waits longest.
  const since = new Map<string, number>();

  function publish(): void {
    const [first = 0] = since.values();
    Atomics.store(cells, 0, BigInt(since.size));
    Atomics.store(cells, 1, BigInt(first));
  }

  return {
    behind(id) {
      if (since.has(id)) return;
      since.set(id, now());
      publish();
    },
    caughtUp(id) {
      if (since.delete(id)) publish();
    },
  };
}

/** Reads that memory. */
export function readLogLag(memory: SharedArrayBuffer, now: number = Date.now()): LogLag {
  const cells = new BigInt64Array(memory);
  const containers = Number(Atomics.load(cells, 0));
  const first = Number(Atomics.load(cells, 1));
  return { containers, seconds: containers === 0 ? 0 : Math.max(now - first, 0) / 1000 };
}
