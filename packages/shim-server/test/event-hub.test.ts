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
    const hub = createEventHub<number>({ events: 10, bytes: 100 }, () => 1);
    const readers = [readAll(hub.subscribe(never)), readAll(hub.subscribe(never))];
    for (const event of [1, 2, 3]) hub.publish(event);
    hub.close();
    expect(await Promise.all(readers)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  test("a reader that falls too far behind is cut off and told so, the others are not", async () => {
    const hub = createEventHub<number>({ events: 3, bytes: 100 }, () => 1);
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

  test("a reader is cut off as well when the events that it has not read are too large", async () => {
    const hub = createEventHub<string>({ events: 100, bytes: 10 }, (event) => event.length);
    const [first, second] = [hub.subscribe(never), hub.subscribe(never)];
    hub.publish("larger than the queue");
    hub.close();
    expect(await readAll(first)).toEqual(["larger than the queue"]);
    const again = createEventHub<string>({ events: 100, bytes: 10 }, (event) => event.length);
    const slow = again.subscribe(never);
    for (const event of ["1234", "1234", "1234"]) again.publish(event);
    await expect(readAll(slow)).rejects.toMatchObject({ code: "resource_exhausted" });
    expect(again.subscribed).toBe(false);
    expect(await readAll(second)).toHaveLength(1);
  });

  test("a reader that goes away leaves nothing behind", async () => {
    const hub = createEventHub<number>({ events: 3, bytes: 100 }, () => 1);
    const gone = new AbortController();
    const reading = readAll(hub.subscribe(gone.signal));
    expect(hub.subscribed).toBe(true);
    gone.abort();
    expect(await reading).toEqual([]);
    expect(hub.subscribed).toBe(false);
  });
});
