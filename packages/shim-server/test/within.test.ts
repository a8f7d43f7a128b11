import { expect, test } from "@jest/globals";
import { within } from "../src/async/within.js";

test("what comes in time is handed on, a failure as well", async () => {
  expect(await within(Promise.resolve("here"), 60_000)).toBe("here");
  const failure = new Error("no");
  await expect(within(Promise.reject(failure), 60_000)).rejects.toBe(failure);
});

test("what does not come is not waited for", async () => {
  expect(await within(new Promise<never>(() => undefined), 1)).toBe("late");
});
