import { setImmediate } from "node:timers/promises";

/**
 * Does something with each item, and lets everybody else go first after each so many: reading
 * kernel files does not wait, so nothing else would run meanwhile.
 */
export async function inTurns<Item>(
  items: Iterable<Item>,
  perTurn: number,
  work: (item: Item) => void,
): Promise<void> {
  let done = 0;
  for (const item of items) {
    if (done > 0 && done % perTurn === 0) await setImmediate();
    work(item);
    done++;
  }
}
