/**
 * Waits until all have come to their end, whatever comes of them: what follows must not meet one that
 * goes on.
 *
 * @throws What the first in the list failed with that failed.
 */
export async function allOf(...work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) {
    if (result.status === "rejected") throw result.reason;
  }
}
