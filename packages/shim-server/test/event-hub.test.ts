import { describe, expect, test } from "@jest/globals";
import { createEventHub } from "../src/events/event-hub.js";

async function readAll<T>(events: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe("event hub", () => {
  const never = new AbortController().signal;

  test("every subscriber gets every event in order", async () => {
    const hub = createEventHub<number>(10);
    const readers = [readAll(hub.subscribe(never)), readAll(hub.subscribe(never))];
    for (const event of [1, 2, 3]) hub.publish(event);
    hub.close();
    expect(await Promise.all(readers)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test("a reader that falls too far behind is cut off and told so, the others are not", async () => {
    const hub = createEventHub<number>(3);
    const slow = hub.subscribe(never);
    const fast: number[] = [];
    const reading = (async () => {
      for await (const event of hub.subscribe(never)) fast.push(event);
    })();
    for (let i = 0; i < 10; i++) {
      hub.publish(i);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect(readAll(slow)).rejects.toMatchObject({ code: "resource_exhausted" });
    hub.close();
    await reading;
    expect(fast).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("a reader that goes away leaves nothing behind", async () => {
    const hub = createEventHub<number>(3);
    const gone = new AbortController();
    const reading = readAll(hub.subscribe(gone.signal));
    expect(hub.subscribed).toBe(true);
    gone.abort();
    expect(await reading).toEqual([]);
    expect(hub.subscribed).toBe(false);
  });
});
