import { expect, test } from "@jest/globals";
import { untilAborted } from "../src/async/until-aborted.js";

const never = new Promise<never>(() => undefined);
const gone = new Error("gone");

test("what comes before the signal is handed on, a failure as well", async () => {
  const { signal } = new AbortController();
  expect(await untilAborted(Promise.resolve("here"), signal)).toBe("here");
  await expect(untilAborted(Promise.reject(gone), signal)).rejects.toBe(gone);
});

test("after the signal nothing is waited for, and a later failure is nobody's", async () => {
  const controller = new AbortController();
  const failing = Promise.withResolvers<never>();
  const waiting = untilAborted(failing.promise, controller.signal);
  controller.abort(gone);
  await expect(waiting).rejects.toBe(gone);
  failing.reject(new Error("late"));
  await expect(untilAborted(never, controller.signal)).rejects.toBe(gone);
});
