import { describe, expect, test } from "@jest/globals";
import { createTokenStore } from "../src/tokens.js";

describe("createTokenStore", () => {
  function storeAt(clock: { now: number }, max = 3) {
    return createTokenStore<string>({ ttlMs: 60_000, max, now: () => clock.now });
  }

  test("gives a value once", () => {
    const store = storeAt({ now: 0 });
    const token = store.insert("value");
    expect(store.consume(token)).toBe("value");
    expect(store.consume(token)).toBeUndefined();
    expect(store.count()).toBe(0);
  });

  test("gives URL-safe tokens that do not repeat", () => {
    const store = storeAt({ now: 0 }, 1000);
    const tokens = Array.from({ length: 1000 }, () => store.insert("value"));
    expect(new Set(tokens).size).toBe(1000);
    for (const token of tokens) expect(token).toMatch(/^[A-Za-z0-9_-]{24}$/);
  });

  test("gives a value just before its time is over and not after", () => {
    const clock = { now: 1000 };
    const store = storeAt(clock);
    const [inTime, late] = [store.insert("in time"), store.insert("late")];
    clock.now += 59_999;
    expect(store.consume(inTime)).toBe("in time");
    clock.now += 1;
    expect(store.consume(late)).toBeUndefined();
  });

  test("refuses more than it may hold until some are used", () => {
    const store = storeAt({ now: 0 });
    const [first] = [store.insert("a"), store.insert("b"), store.insert("c")];
    expect(() => store.insert("d")).toThrow(
      expect.objectContaining({
        name: "StreamingError",
        code: "resource_exhausted",
        message: "maximum number of in-flight requests exceeded",
      }),
    );
    store.consume(first ?? "");
    expect(store.insert("d")).not.toBe("");
  });

  test("makes room by forgetting what expired", () => {
    const clock = { now: 0 };
    const store = storeAt(clock);
    store.insert("a");
    clock.now = 30_000;
    store.insert("b");
    store.insert("c");
    clock.now = 60_000;
    store.insert("d");
    expect(store.count()).toBe(3);
  });
});
