import { expect, test } from "@jest/globals";
import { createGate } from "../src/gate.js";

const free = new AbortController().signal;
/** Lets everything happen that does not wait for anything. */
const settle = () => new Promise((done) => setImmediate(done));

test("many are inside at once; who wants to be alone waits for all, and new ones wait for it", async () => {
  const gate = createGate();
  const order: string[] = [];
  const [first, second] = [await gate.enter(free), await gate.enter(free)];
  const released = Promise.withResolvers<void>();
  const alone = gate.alone(async () => {
    order.push("alone");
    await released.promise;
  });
  const third = gate.enter(free).then((leave) => {
    order.push("third");
    leave();
  });
  first();
  first();
  await settle();
  expect(order).toEqual([]);
  second();
  await settle();
  expect(order).toEqual(["alone"]);
  released.resolve();
  await Promise.all([alone, third]);
  expect(order).toEqual(["alone", "third"]);
});

test("several that want to be alone are so one after the other, also when one fails", async () => {
  const gate = createGate();
  let inside = 0;
  const work = async () => {
    expect(++inside).toBe(1);
    await settle();
    inside--;
    throw new Error("failed");
  };
  const results = await Promise.allSettled([gate.alone(work), gate.alone(work), gate.alone(work)]);
  expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  (await gate.enter(free))();
});

test("waiting ends with its caller, and harms nobody", async () => {
  const gate = createGate();
  const released = Promise.withResolvers<void>();
  const alone = gate.alone(() => released.promise);
  const caller = new AbortController();
  const waiting = gate.enter(caller.signal);
  caller.abort();
  await expect(waiting).rejects.toMatchObject({ code: "aborted" });
  released.resolve();
  await alone;
  await gate.alone(async () => undefined);
});
