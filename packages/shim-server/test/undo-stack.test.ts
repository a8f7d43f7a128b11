import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { pino } from "pino";
import { createUndoStack } from "../src/async/undo-stack.js";

test("steps are undone last first, and one that fails does not stop the others", async () => {
  const order: string[] = [];
  const undo = createUndoStack(pino({ level: "silent" }));
  undo.push("a", async () => void order.push("a"));
  undo.push("b", async () => {
    throw new Error("stuck");
  });
  undo.push("c", async () => void order.push("c"));
  await undo.run();
  expect(order).toEqual(["c", "a"]);
});

test("a step that hangs does not use up the time of the next", async () => {
  const undo = createUndoStack(pino({ level: "silent" }), 50);
  let inTime: boolean | undefined;
  undo.push("remove", async (signal) => {
    inTime = !signal.aborted;
  });
  undo.push("hang", (signal) => once(signal, "abort").then(() => signal.throwIfAborted()));
  await undo.run();
  expect(inTime).toBe(true);
});

test("a step that does not heed its signal is left behind", async () => {
  const undo = createUndoStack(pino({ level: "silent" }), 50);
  let removed = false;
  undo.push("remove", async () => {
    removed = true;
  });
  undo.push("hang", () => new Promise(() => undefined));
  await undo.run();
  expect(removed).toBe(true);
});
