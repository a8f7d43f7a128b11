import { expect, jest, test } from "@jest/globals";
import { createCloserStack } from "../src/async/closer-stack.js";

test("what was opened is ended in reverse, each after the other", async () => {
  const ended: string[] = [];
  const closers = createCloserStack({ warn: jest.fn() }, 60_000);
  closers.push("first", () => void ended.push("first"));
  closers.push("second", async () => {
    await new Promise((resolve) => setImmediate(resolve));
    ended.push("second");
  });
  await closers.close();
  expect(ended).toEqual(["second", "first"]);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("broken");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("broken");
    },
  ],
])("one that %s does not skip the rest, and is told", async (_how, close) => {
  const ended: string[] = [];
  const warn = jest.fn();
  const closers = createCloserStack({ warn }, 60_000);
  closers.push("first", () => void ended.push("first"));
  closers.push("broken one", close);
  await closers.close();
  expect(ended).toEqual(["first"]);
  expect(warn).toHaveBeenCalledWith(
    expect.objectContaining({ part: "broken one" }),
    "did not end cleanly",
  );
});

test("one that hangs is left behind, and the rest are still told to end", async () => {
  const ended: string[] = [];
  const warn = jest.fn();
  const closers = createCloserStack({ warn }, 1);
  closers.push("first", () => void ended.push("first"));
  closers.push("hanging one", () => new Promise<void>(() => undefined));
  await closers.close();
  expect(ended).toEqual(["first"]);
  expect(warn).toHaveBeenCalledWith({ part: "hanging one" }, "did not end in time");
});

test("everything is ended once", async () => {
  const close = jest.fn<() => void>();
  const closers = createCloserStack({ warn: jest.fn() }, 60_000);
  closers.push("part", close);
  await Promise.all([closers.close(), closers.close()]);
  expect(close).toHaveBeenCalledTimes(1);
});
