import { afterEach, expect, jest, test } from "@jest/globals";
import { createPacer } from "../src/pacer.js";

afterEach(() => {
  jest.useRealTimers();
});

test("no more operations are under way than allowed, and they begin in order", async () => {
  const pacer = createPacer(Number.POSITIVE_INFINITY, 2);
  const began: number[] = [];
  const finish: (() => void)[] = [];
  const all = [0, 1, 2, 3].map((index) =>
    pacer.run(() => {
      began.push(index);
      return new Promise<void>((resolve) => finish.push(resolve));
    }),
  );
  await Promise.resolve();
  expect(began).toEqual([0, 1]);
  finish[1]?.();
  await all[1];
  await Promise.resolve();
  expect(began).toEqual([0, 1, 2]);
  finish[0]?.();
  finish[2]?.();
  await all[2];
  await Promise.resolve();
  finish[3]?.();
  await Promise.all(all);
  expect(began).toEqual([0, 1, 2, 3]);
});

test("operations beyond the burst wait for the rate", async () => {
  jest.useFakeTimers();
  const pacer = createPacer(10, 100);
  let done = 0;
  const all = Array.from({ length: 4 }, () =>
    pacer.run(async () => {
      done++;
    }),
  );
  await jest.advanceTimersByTimeAsync(0);
  expect(done).toBe(1);
  await jest.advanceTimersByTimeAsync(99);
  expect(done).toBe(1);
  await jest.advanceTimersByTimeAsync(2);
  expect(done).toBe(2);
  await jest.advanceTimersByTimeAsync(205);
  expect(done).toBe(4);
  await Promise.all(all);
});

test("an operation that fails makes room for the next", async () => {
  const pacer = createPacer(Number.POSITIVE_INFINITY, 1);
  await expect(pacer.run(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await pacer.run(async () => "next")).toBe("next");
});
