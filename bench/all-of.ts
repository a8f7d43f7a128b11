/**
 * Does so many pieces of work at once. All come to their end before an error goes on: one failure does not keep the
 * others from being done, and no pod comes after the cleaning.
 *
 * @throws What the first in the order of their numbers failed with that failed.
 */
export async function allOf(count: number, work: (index: number) => Promise<void>): Promise<void> {
  const all = Array.from({ length: count }, (_, index) => work(index));
  const failed = (await Promise.allSettled(all)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
