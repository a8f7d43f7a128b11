import { expect, test } from "@jest/globals";
import { until } from "../src/until.ts";

test("gives what the condition gave once it holds", async () => {
  let looks = 0;
  expect(await until(() => (++looks < 3 ? undefined : { looks }))).toEqual({ looks: 3 });
});

test("waits for a condition that has to be asked", async () => {
  const answers = [false, false, true];
  expect(await until(async () => answers.shift())).toBe(true);
});

test("a condition that never holds fails by its name at the deadline", async () => {
  const never = () => false;
  await expect(until(never, { deadlineMs: 20 })).rejects.toThrow(
    /^this did not hold within 20 ms: \(\) ?=> ?false$/,
  );
});

test("what the condition throws ends the wait", async () => {
  const broken = async () => Promise.reject(new Error("broken"));
  await expect(until(broken)).rejects.toThrow("broken");
});
