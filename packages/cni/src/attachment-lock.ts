/**
 * Who may run when (CNI spec 1.1.0, section 3, "Lifecycle & Ordering"): one
 * operation at a time per container, containers in parallel, and GC alone.
 */
export interface AttachmentLock {
  /** Runs when no other operation of that container is under way, and no GC. */
  forContainer<T>(containerId: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>;
  /** Runs when nothing else is under way; what comes later waits. */
  exclusively<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

interface Waiter {
  /** Undefined for the exclusive ones. */
  readonly containerId: string | undefined;
  readonly start: () => void;
}

export function createAttachmentLock(): AttachmentLock {
  const busy = new Set<string>();
  let exclusive = false;
  const waiting: Waiter[] = [];

  const isFree = (containerId: string | undefined): boolean =>
    containerId === undefined
      ? !exclusive && busy.size === 0
      : !exclusive && !busy.has(containerId);

  /** In order of arrival; an exclusive waiter holds back all that came after it. */
  const startNext = () => {
    for (let index = 0; index < waiting.length; ) {
      const waiter = waiting[index];
      if (waiter === undefined) return;
      const { containerId } = waiter;
      if (isFree(containerId)) {
        waiting.splice(index, 1);
        take(containerId);
        waiter.start();
      } else if (containerId === undefined) {
        return;
      } else {
        index += 1;
      }
    }
  };

  const take = (containerId: string | undefined) => {
    if (containerId === undefined) exclusive = true;
    else busy.add(containerId);
  };

  const release = (containerId: string | undefined) => {
    if (containerId === undefined) exclusive = false;
    else busy.delete(containerId);
    startNext();
  };

  const acquire = (containerId: string | undefined, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const waiter: Waiter = {
        containerId,
        start: () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      const onAbort = () => {
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(signal.reason);
        // It may have held back others.
        startNext();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(waiter);
      startNext();
    });

  const run = async <T>(
    containerId: string | undefined,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> => {
    await acquire(containerId, signal);
    try {
      return await work();
    } finally {
      release(containerId);
    }
  };

  return {
    forContainer: run,
    exclusively: (signal, work) => run(undefined, signal, work),
  };
}
