/** Tells who waits for an exec that it ended; fed by Docker's `exec_die` events. */
export interface ExecExits {
  report(execId: string, exitCode: number): void;
  /** Settles with the exit code of an exec that ends after this call, or at once for a recent one. */
  wait(execId: string, signal: AbortSignal): Promise<number>;
}

/** Exits that nobody has asked for yet are kept, so that the order of event and wait is free. */
const kept = 256;

export function createExecExits(): ExecExits {
  const recent = new Map<string, number>();
  const waiting = new Map<string, (exitCode: number) => void>();
  return {
    report(execId, exitCode) {
      const waiter = waiting.get(execId);
      if (waiter !== undefined) return waiter(exitCode);
      recent.set(execId, exitCode);
      if (recent.size > kept) for (const oldest of recent.keys()) return void recent.delete(oldest);
    },
    async wait(execId, signal) {
      const known = recent.get(execId);
      if (known !== undefined) {
        recent.delete(execId);
        return known;
      }
      signal.throwIfAborted();
      return await new Promise((resolve, reject) => {
        const settle = (): void => {
          waiting.delete(execId);
          signal.removeEventListener("abort", onAbort);
        };
        const onAbort = (): void => {
          settle();
          reject(signal.reason);
        };
        signal.addEventListener("abort", onAbort, { once: true });
        waiting.set(execId, (exitCode) => {
          settle();
          resolve(exitCode);
        });
      });
    },
  };
}
